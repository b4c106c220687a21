import { EventEmitter } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { PassThrough } from 'node:stream';
import { withToken } from 'projected-token/undici';
import { Agent, Client, type Dispatcher, fetch, Pool, request, stream } from 'undici';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Gate } from '../helpers/gate.js';
import { FixedTokenSource } from '../helpers/http-token-source.js';
import { RecordedDispatch } from '../helpers/recorded-dispatch.js';
import { serveForTest } from '../helpers/serve-for-test.js';

/** A server, and what a dispatcher and the same with the token, which is at hand, send to it. */
async function serve(listener: RequestListener) {
  const origin = await serveForTest(createServer(listener));
  const source = new FixedTokenSource();
  const carrying = <D extends Dispatcher>(dispatcher: D): D => {
    onTestFinished(() => void dispatcher.destroy().catch(() => {}));
    return withToken(dispatcher, source.atHand, { origins: [origin] });
  };
  return { origin, source, carrying };
}

const rejectionOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: Error) => error,
  );

describe('Back-pressure', () => {
  const QUEUED = 3;

  it('is told as without the token: false while busy, and then drain', async () => {
    const { origin, carrying } = await serve((_, response) => response.end());
    const told = async (dispatcher: Dispatcher) => {
      const drained = new Promise((resolve) => dispatcher.once('drain', resolve));
      const records = Array.from({ length: QUEUED }, () => new RecordedDispatch());
      const more = records.map((record) => dispatcher.dispatch({ path: '/', method: 'GET' }, record));
      await drained;
      await expect.poll(() => records.map(({ told }) => told.at(-1))).toEqual(Array(QUEUED).fill('end'));
      return more;
    };
    const [bare, wrapped] = [await told(new Client(origin)), await told(carrying(new Client(origin)))];
    expect(wrapped).toEqual(bare);
    expect(wrapped.at(-1)).toBe(false);
  });
});

describe('A graceful close', () => {
  const SENDERS: Record<string, (dispatcher: Dispatcher, origin: string) => Promise<{ status: number; text: string }>> =
    {
      request: async (dispatcher, origin) => {
        const { statusCode, body } = await request(origin, { dispatcher });
        return { status: statusCode, text: await body.text() };
      },
      fetch: async (dispatcher, origin) => {
        const response = await fetch(origin, { dispatcher });
        return { status: response.status, text: await response.text() };
      },
    };
  const KINDS: Record<string, (origin: string) => Dispatcher> = {
    Agent: () => new Agent(),
    Client: (origin) => new Client(origin),
    Pool: (origin) => new Pool(origin),
  };
  const CASES = Object.entries(KINDS).flatMap(([kind, create]) =>
    // fetch dispatches a few turns after its call, so a dispatcher that is closed at once has nothing to wait for.
    Object.entries(SENDERS).map(([name, send]) => ({ kind, create, name, send })),
  );

  it.each(CASES.filter(({ name }) => name === 'request'))(
    'of a $kind waits for a request that was made before',
    async ({ create, send }) => {
      const { origin, carrying } = await serve((_, response) => response.end('done'));
      const dispatcher = carrying(create(origin));
      const answer = send(dispatcher, origin);
      await dispatcher.close();
      expect(await answer).toEqual({ status: 200, text: 'done' });
    },
  );

  it.each(CASES)(
    'of a $kind during the replacement of a token waits for the second attempt ($name)',
    async ({ create, send }) => {
      const { origin, source, carrying } = await serve(({ headers }, response) =>
        response.writeHead(headers.authorization === source.value(2) ? 200 : 401).end('done'),
      );
      const asked = new Gate();
      const mayReplace = new Gate();
      const { replaceToken } = source;
      source.replaceToken = async (refused) => {
        asked.open();
        await mayReplace.opened;
        return replaceToken.call(source, refused);
      };
      const dispatcher = carrying(create(origin));
      const answer = send(dispatcher, origin);
      await asked.opened;
      const closed = dispatcher.close();
      mayReplace.open();
      await closed;
      expect(await answer).toEqual({ status: 200, text: 'done' });
    },
  );

  it.each(CASES)('of a $kind waits for a request that waits for its token ($name)', async ({ create, send }) => {
    const { origin, source, carrying } = await serve((_, response) => response.end('done'));
    const asked = new Gate();
    const token = new Gate<string>();
    source.getToken = () => {
      asked.open();
      return token.opened;
    };
    const dispatcher = carrying(create(origin));
    const answer = send(dispatcher, origin);
    await asked.opened;
    const closed = dispatcher.close();
    expect(dispatcher).toMatchObject({ closed: true });
    token.open('late');
    await closed;
    expect(await answer).toEqual({ status: 200, text: 'done' });
  });

  it('takes no further request while it waits, and calls back', async () => {
    const { origin, source, carrying } = await serve((_, response) => response.end('done'));
    const token = new Gate<string>();
    source.getToken = () => token.opened;
    const client = carrying(new Client(origin));
    const first = client.request({ path: '/', method: 'GET' });
    const calledBack = new Promise<void>((resolve) => client.close(resolve));
    const error = await rejectionOf(client.request({ path: '/', method: 'GET' }));
    expect(error).toMatchObject({ code: 'UND_ERR_CLOSED' });
    token.open('late');
    expect((await first).statusCode).toBe(200);
    await calledBack;
  });

  it.each(['close', 'destroy'] as const)('that is over rejects at once, and asks for no token (%s)', async (end) => {
    const { origin, source, carrying } = await serve((_, response) => response.end());
    source.getToken = () => new Promise(() => {});
    const [bare, client] = [new Client(origin), carrying(new Client(origin))];
    await Promise.all([bare[end](), client[end]()]);
    const errors = [bare, client].map((dispatcher) => rejectionOf(dispatcher.request({ path: '/', method: 'GET' })));
    const [expected, error] = await Promise.all(errors);
    expect(error).toEqual(expected);
    expect(error).toMatchObject({ code: 'UND_ERR_DESTROYED' });
  });

  it('ends when the dispatcher is destroyed, and the requests that wait end with the same error', async () => {
    const { origin, source, carrying } = await serve((_, response) => response.end());
    source.getToken = () => new Promise(() => {});
    for (const reason of [undefined, new Error('enough')]) {
      const client = carrying(new Client(origin));
      const waiting = rejectionOf(client.request({ path: '/', method: 'GET' }));
      const closed = client.close();
      await client.destroy(reason ?? null);
      await closed;
      const error = await waiting;
      if (reason === undefined) expect(error).toMatchObject({ code: 'UND_ERR_DESTROYED' });
      else expect(error).toBe(reason);
    }
  });
});

describe('What undici rejects', () => {
  const INVALID: Record<string, object> = {
    'an odd list of headers': { headers: ['x-a'] },
    'headers as a list of texts': { headers: new Set(['x-a: 1']) },
    'headers as a text': { headers: 'x-a: 1' },
    'headers as a number': { headers: 7 },
    'a header that is an object': { headers: { 'x-a': {} } },
    maxRedirections: { maxRedirections: 3 },
    'a time limit that is none': { headersTimeout: -1 },
    'a body that is none': { body: 7 },
  };

  it.each(Object.entries(INVALID))('is rejected by undici with the token too: %s', async (_, options) => {
    let requests = 0;
    const { origin, source, carrying } = await serve((_, response) => response.end(String(requests++)));
    const bare = new Client(origin);
    onTestFinished(() => void bare.destroy());
    const send = (client: Dispatcher) =>
      rejectionOf(client.request({ path: '/', method: 'POST', ...options } as Dispatcher.RequestOptions));
    const expected = await send(bare);
    expect(expected).toBeInstanceOf(Error);
    expect(await send(carrying(new Client(origin)))).toEqual(expected);
    source.getToken = async () => source.token(1);
    expect(await send(carrying(new Client(origin)))).toEqual(expected);
    expect(requests).toBe(0);
  });

  it('is no header without a value, which goes along', async () => {
    const seen: unknown[] = [];
    const { origin, carrying } = await serve(({ headers, rawHeaders }, response) => {
      seen.push([headers['x-a'], rawHeaders.filter((_, index) => index % 2 === 0)]);
      response.end();
    });
    const headers = { 'X-a': null, 'x-B': '1' } as unknown as Record<string, string>;
    for (const client of [new Client(origin), carrying(new Client(origin))]) {
      await client.request({ path: '/', method: 'GET', headers }).then(({ body }) => body.dump());
      await client.close();
    }
    const names = ['host', 'connection', 'X-a', 'x-B'];
    expect(seen).toEqual([
      ['', names],
      ['', [...names, 'authorization']],
    ]);
  });
});

describe('An abort by an EventEmitter, which gives no reason,', () => {
  it.each(['with a token at hand', 'during the wait for a token'])("fails with undici's own error %s", async (when) => {
    const arrived = new Gate();
    const { origin, source, carrying } = await serve(() => arrived.open());
    if (when !== 'with a token at hand') {
      source.getToken = () => {
        arrived.open();
        return new Promise(() => {});
      };
    }
    const signal = new EventEmitter();
    const streamed = rejectionOf(
      stream(origin, { dispatcher: carrying(new Agent()), method: 'GET', signal }, () => new PassThrough()),
    );
    await arrived.opened;
    signal.emit('abort');
    expect(await streamed).toMatchObject({ name: 'AbortError', code: 'UND_ERR_ABORTED' });
  });
});

describe('The time limit for the head of the answer', () => {
  it('covers the wait for the token', async () => {
    const { origin, source, carrying } = await serve((_, response) => response.end());
    source.getToken = () => new Promise(() => {});
    const options = { dispatcher: carrying(new Agent()), headersTimeout: 20 };
    expect(await rejectionOf(request(origin, options))).toMatchObject({ code: 'UND_ERR_HEADERS_TIMEOUT' });
  });
});

it('A refusal whose body stalls is given up after a second, and the request is sent again', async () => {
  const { origin, source, carrying } = await serve(({ headers }, response) => {
    if (headers.authorization === source.value(2)) response.end('done');
    else response.writeHead(401, { 'content-length': 100 }).write('part');
  });
  const startedAtMs = performance.now();
  const { statusCode, body } = await request(origin, { dispatcher: carrying(new Client(origin)) });
  expect([statusCode, await body.text()]).toEqual([200, 'done']);
  expect(performance.now() - startedAtMs).toBeLessThan(10_000);
});
