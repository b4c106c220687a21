import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import got, { type BeforeErrorHook, type Got, type Options, TimeoutError } from 'got';
import { withToken } from 'projected-token/got';
import { describe, expect, it } from 'vitest';
import { rejectionOf } from '../helpers/federation.js';
import { useHttpOrigins } from '../helpers/http-origins.js';

const world = useHttpOrigins();
const connect = (retry = 0) =>
  withToken(got.extend({ prefixUrl: world.listed.origin, retry: { limit: retry } }), world.source);

describe('The option timeout.request covers the wait for the token', () => {
  it('that never ends', async () => {
    world.source.getToken = () => new Promise(() => {});
    const error = await connect()('a', { timeout: { request: 50 } }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).toMatchObject({
      code: 'ETIMEDOUT',
      event: 'request',
      message: "Timeout awaiting 'request' for 50ms",
    });
    expect(world.listed.requests).toEqual([]);
  });

  it('and what follows it together', async () => {
    const { getToken } = world.source;
    world.source.getToken = (options) =>
      new Promise((resolve) => setTimeout(() => resolve(getToken.call(world.source, options)), 120));
    world.listed.on('/a', 'hang');
    const startedAt = performance.now();
    const error = await connect()('a', { timeout: { request: 200 } }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(TimeoutError);
    // One after the other they would take 320 ms at least.
    expect(performance.now() - startedAt).toBeLessThan(315);
    // As got's own: its class is what a log shows.
    expect((error as TimeoutError).cause?.constructor.name).toBe('TimeoutError');
  });

  it('but what comes before there is a request only if got counts it, as since version 16', async () => {
    const { getToken } = world.source;
    world.source.getToken = async (options) => getToken.call(world.source, options);
    // As with HTTP/2, where got first asks the server for its protocol.
    const request: Options['request'] = async (url, options, callback) => {
      await delay(450);
      return httpRequest(url, options, callback);
    };
    const options = { prefixUrl: world.listed.origin, retry: { limit: 0 }, request, timeout: { request: 400 } };
    const outcomes = [got, connect()].map(async (client) =>
      client('a', options).then(
        ({ statusCode }) => statusCode,
        ({ code }) => code,
      ),
    );
    const [bare, wrapped] = await Promise.all(outcomes);
    expect(wrapped).toBe(bare);
  });

  it('and no longer than the request', async () => {
    const { getToken } = world.source;
    world.source.getToken = async (options) => getToken.call(world.source, options);
    expect((await connect()('a', { timeout: { request: 10_000 } })).statusCode).toBe(200);
  });
});

describe('An error', () => {
  it('of a time limit that passed is that of got: for hooks that were there before, and in its cause', async () => {
    world.listed.on('/a', 'hang');
    const seen: unknown[] = [];
    const note: BeforeErrorHook = (error) => {
      seen.push(error.name);
      return error;
    };
    const bare = got.extend({ prefixUrl: world.listed.origin, retry: { limit: 0 }, hooks: { beforeError: [note] } });
    const failures = [bare, withToken(bare, world.source)].map(async (client) => {
      const error = await rejectionOf(client('a', { timeout: { request: 50 } }));
      const cause = error.cause as Error;
      return { type: error.constructor, cause: [cause.constructor.name, String(cause), { ...cause }] };
    });
    const [expected, failure] = await Promise.all(failures);
    expect(failure).toEqual(expected);
    expect(failure!.type).toBe(TimeoutError);
    expect(seen).toEqual(['TimeoutError', 'TimeoutError']);
  });

  it('comes no later than that of got: an abort at any moment ends in the same one', async () => {
    const errorNames = (client: Got) =>
      Promise.all(
        Array.from({ length: 12 }, async (_, microtasks) => {
          const abort = new AbortController();
          // A GET has no body, so that nothing is sent.
          const stream = client.stream('a', { body: 'text', signal: abort.signal });
          const failed = once(stream, 'error');
          for (let passed = 0; passed < microtasks; passed++) await undefined;
          abort.abort();
          return (await failed)[0].name;
        }),
      );
    const expected = await errorNames(got.extend({ prefixUrl: world.listed.origin }));
    expect(new Set(expected)).toEqual(new Set(['AbortError', 'RequestError']));
    expect(await errorNames(connect())).toEqual(expected);
  });
});

describe('The context', () => {
  it('is that of the program in every hook, at whatever origin', async () => {
    world.listed.on('/a', { status: 307, headers: { location: '/b' } });
    world.listed.on('/b', ({ headers }) => ({ status: headers.authorization === world.source.value(1) ? 401 : 200 }));
    const keys: unknown[] = [];
    const note = ({ context }: Pick<Options, 'context'>) => void keys.push(...Reflect.ownKeys(context));
    const client = connect().extend({
      hooks: {
        beforeRequest: [note],
        beforeRedirect: [note],
        afterResponse: [
          (response) => {
            note(response.request.options);
            return response;
          },
        ],
      },
    });
    await client('a', { context: { own: 1 } });
    await client('a', { prefixUrl: world.unlisted.origin, context: { own: 1 } });
    expect(keys.length).toBeGreaterThan(4);
    expect(new Set(keys)).toEqual(new Set(['own']));
  });
});
