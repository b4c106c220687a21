import diagnosticsChannel from 'node:diagnostics_channel';
import type { TokenSource } from 'projected-token';
import { withToken } from 'projected-token/undici';
import { Agent, Client, type Dispatcher } from 'undici';
import { expect, it, onTestFinished } from 'vitest';
import { withHeader } from '../../src/dispatch/dispatch-headers.js';
import { useHttpOrigins } from '../helpers/http-origins.js';
import { RawServer } from '../helpers/raw-server.js';
import { turn } from '../helpers/turn.js';

const world = useHttpOrigins();

/** Has its token at hand, so that a request is sent in the turn of the call. */
const source: TokenSource = {
  getToken: async () => 'token',
  peekToken: () => 'token',
  replaceToken: async () => undefined,
};

type Use = (dispatcher: Dispatcher) => unknown;

/** What comes of the same use of a bare dispatcher and of a wrapped one. */
async function bothOf(
  use: Use,
  make = (): Dispatcher => new Agent(),
  tokens: TokenSource = source,
): Promise<[bare: unknown, wrapped: unknown]> {
  const [bare, agent] = [make(), make()];
  onTestFinished(async () => {
    await Promise.all([bare, agent].map((dispatcher) => dispatcher.destroy()));
  });
  const wrapped = withToken(agent, tokens, { origins: [world.listed.origin] });
  return [await use(bare), await use(wrapped)];
}

/** A server for this test with one answer to every request, after which it ends the connection. */
async function answering(text: string): Promise<RawServer> {
  const server = await RawServer.start((socket) => void socket.end(text));
  onTestFinished(() => server.close());
  return server;
}

const options = () => ({ origin: world.listed.origin, path: '/a', method: 'GET' }) as const;

it('The handler gets no controller with an error of a request that undici rejects at once', async () => {
  const [bare, wrapped] = await bothOf((dispatcher) => {
    const controllers: unknown[] = [];
    dispatcher.dispatch(
      { ...options(), bodyTimeout: -1 },
      { onRequestStart() {}, onResponseError: (controller) => void controllers.push(controller) },
    );
    return controllers;
  });
  expect(bare).toEqual([undefined]);
  expect(wrapped).toEqual(bare);
});

it('A program that looks at the members of a dispatcher sees those of its class', async () => {
  const [bare, wrapped] = await bothOf((dispatcher) => [dispatcher.constructor, Reflect.get(dispatcher, 'dispatcher')]);
  expect(wrapped).toEqual(bare);
  expect(wrapped).toEqual([Agent, undefined]);
});

it('A handler of undici 6 without the methods that its request needs is rejected', async () => {
  const [bare, wrapped] = await bothOf((dispatcher) => {
    const errors: string[] = [];
    const handler = {
      onConnect() {},
      onHeaders() {},
      onData() {},
      onComplete() {},
      onError: (e: Error) => errors.push(e.message),
    };
    dispatcher.dispatch({ ...options(), upgrade: 'websocket' }, handler as unknown as Dispatcher.DispatchHandler);
    return errors;
  });
  expect(wrapped).toEqual(bare);
  expect(wrapped).toEqual(['invalid onUpgrade method']);
});

it('A header named __proto__ is sent, in its place', () => {
  const headers = JSON.parse('{"x-first":"1","__proto__":"2","x-last":"3"}');
  const sent = withHeader(headers, 'authorization', 'Bearer a');
  expect([...(sent as Iterable<[string, string]>)]).toEqual([
    ...Object.entries(headers),
    ['authorization', 'Bearer a'],
  ]);
});

it('At a destroy in the turn of the call, the diagnostics channel is told before the handler', async () => {
  const use = async (dispatcher: Dispatcher) => {
    const told: string[] = [];
    const onError = () => told.push('channel');
    diagnosticsChannel.subscribe('undici:request:error', onError);
    dispatcher.dispatch(options(), { onRequestStart() {}, onResponseError: () => void told.push('handler') });
    await dispatcher.destroy();
    diagnosticsChannel.unsubscribe('undici:request:error', onError);
    return told;
  };
  const [bare, wrapped] = await bothOf(use, () => new Client(world.listed.origin));
  expect(wrapped).toEqual(bare);
  expect(wrapped).toEqual(['channel', 'handler']);
});

it.each([
  ['at hand', source],
  ['awaited', { ...source, peekToken: () => undefined }],
])('The controller shows no headers or trailers before the handler is told of them (token %s)', async (_, tokens) => {
  world.listed.on('/a', { status: 401, headers: { 'x-reason': 'old' } });
  const use = (dispatcher: Dispatcher) =>
    new Promise((resolve, reject) => {
      const shown: unknown[] = [];
      const show = ({ rawHeaders, rawTrailers }: Dispatcher.DispatchController) =>
        shown.push([rawHeaders && String(Object.values(rawHeaders)[0]), rawTrailers]);
      const handler: Dispatcher.DispatchHandler = {
        onRequestStart: show,
        onResponseStart: show,
        onResponseEnd(controller) {
          show(controller);
          resolve(shown);
        },
        onResponseError: (_controller, error) => reject(error),
      };
      dispatcher.dispatch({ ...options(), method: 'HEAD' }, handler);
    });
  const [bare, wrapped] = await bothOf(use, undefined, tokens);
  expect(wrapped).toEqual(bare);
  expect(wrapped).toEqual([
    [null, null],
    ['x-reason', null],
    ['x-reason', []],
  ]);
});

it('A graceful close waits for a refusal that the caller has paused', async () => {
  const server = await answering('HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno');
  const use = async (dispatcher: Dispatcher) => {
    const seen: string[] = [];
    const ended = new Promise<void>((resolve, reject) => {
      dispatcher.dispatch(
        { origin: server.origin, path: '/', method: 'GET' },
        {
          onRequestStart: () => {},
          onResponseStart: async (controller) => {
            controller.pause();
            for (let count = 0; count < 50; count++) await turn();
            seen.push('resumes');
            controller.resume();
          },
          onResponseEnd: () => {
            seen.push('ended');
            resolve();
          },
          onResponseError: (_, error) => reject(error),
        },
      );
    });
    await Promise.all([ended, dispatcher.close().then(() => seen.push('closed'))]);
    return seen;
  };
  const bare = new Agent();
  const wrapped = withToken(new Agent(), source, { origins: [server.origin] });
  expect(await use(bare)).toEqual(['resumes', 'ended', 'closed']);
  expect(await use(wrapped)).toEqual(['resumes', 'ended', 'closed']);
});

it('A refusal of HEAD comes to its end while the caller has paused it, and so does a graceful close', async () => {
  const server = await answering('HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n');
  const use = async (dispatcher: Dispatcher) => {
    const ended = new Promise<void>((resolve, reject) => {
      dispatcher.dispatch(
        { origin: server.origin, path: '/', method: 'HEAD' },
        {
          onRequestStart: () => {},
          onResponseStart: (controller) => controller.pause(),
          onResponseEnd: () => resolve(),
          onResponseError: (_, error) => reject(error),
        },
      );
    });
    await Promise.all([ended, dispatcher.close()]);
  };
  await use(new Agent());
  await use(withToken(new Agent(), source, { origins: [server.origin] }));
});

it('A handler that throws after it has resumed a refusal is told of its error', async () => {
  const server = await answering('HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno');
  const thrown = new Error("the program's own");
  const use = (dispatcher: Dispatcher) =>
    new Promise<Error>((resolve) => {
      dispatcher.dispatch(
        { origin: server.origin, path: '/', method: 'GET' },
        {
          onRequestStart: () => {},
          onResponseStart: (controller) => {
            controller.pause();
            setImmediate(() => controller.resume());
          },
          onResponseData: () => {
            throw thrown;
          },
          onResponseError: (_, error) => resolve(error),
        },
      );
    });
  const wrapped = withToken(new Agent(), source, { origins: [server.origin] });
  expect(await use(new Agent())).toBe(thrown);
  expect(await use(wrapped)).toBe(thrown);
});
