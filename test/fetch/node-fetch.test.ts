import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { withToken } from 'projected-token/fetch';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { isNodeFetch } from '../../src/fetch/is-node-fetch.js';
import { Gate } from '../helpers/gate.js';
import { useHttpOrigins } from '../helpers/http-origins.js';

// Node's own fetch keeps all that it does; only the header is added, hop by hop.

const at = useHttpOrigins();
const wrapped = (source = at.source.atHand): typeof fetch => withToken(fetch, source, { origins: [at.listed.origin] });

const undiciVersion = Number.parseInt(process.versions.undici!, 10);

/** The dispatcher of a `Request` is not visible, so that every `Request` is sent by hand. */
const hidesDispatchers = undiciVersion >= 7;

/** What a program sees of an outcome. */
async function outcomeOf(promise: Promise<Response>) {
  try {
    const response = await promise;
    const { status, type, redirected, url } = response;
    return { status, type, redirected, url, own: Object.keys(response), body: await response.text() };
  } catch (error) {
    const { name, message, cause } = error as Error;
    return { name, message, cause: (cause as Error | undefined)?.message };
  }
}

/** The same request bare and wrapped: what came of it, and what the servers got, but for the token. */
async function bareAndWrapped(
  input: string | (() => Request),
  init: () => RequestInit = () => ({}),
  source = at.source.atHand,
) {
  const seen = [];
  for (const send of [fetch, wrapped(source)]) {
    const outcome = await outcomeOf(send(typeof input === 'string' ? input : input(), init()));
    const requests = [at.listed, at.unlisted].map(({ requests }) =>
      requests.splice(0).map(({ method, path, headers: { authorization: _, ...headers }, bodyHash }) => ({
        method,
        path,
        headers: Object.entries(headers),
        bodyHash,
      })),
    );
    seen.push({ outcome, requests });
  }
  return seen;
}

const redirect = (from: 'listed' | 'unlisted', path: string, location: string, headers = {}) =>
  at[from].on(path, { status: 307, headers: { location, ...headers }, body: 'elsewhere' });

describe("Node's own fetch", () => {
  it('is told from what calls it, takes its place or looks like it', () => {
    const others = [
      (input: string) => fetch(input),
      fetch.bind(globalThis),
      new Proxy(fetch, {}),
      vi.fn(fetch),
      Object.assign(() => {}, { toString: () => String(fetch) }),
      undefined,
    ];
    expect(isNodeFetch(fetch)).toBe(true);
    expect(others.map(isNodeFetch)).toEqual(others.map(() => false));
  });

  it('keeps its name and its length', () => {
    expect([wrapped().name, wrapped().length]).toEqual([fetch.name, fetch.length]);
  });
});

describe('The same as without the token are', () => {
  const sha = (text: string) => `sha256-${createHash('sha256').update(text).digest('base64')}`;
  const INITS: Record<string, () => RequestInit> = {
    'no init': () => ({}),
    headers: () => ({ headers: { 'X-Upper': '1', accept: 'a/b', 'x-lower': '2' } }),
    'a body': () => ({ method: 'POST', body: 'payload' }),
    'the integrity of the last answer': () => ({ integrity: sha('ok') }),
    'the integrity of another': () => ({ integrity: sha('other') }),
    'mode same-origin': () => ({ mode: 'same-origin' }),
    'redirect manual': () => ({ redirect: 'manual' }),
    'redirect error': () => ({ redirect: 'error' }),
    'a referrer': () => ({ referrer: `${at.listed.origin}/private?session=1`, referrerPolicy: 'unsafe-url' }),
    'a signal that is none': () => ({ signal: {} as AbortSignal }),
    'a signal that has aborted': () => ({ signal: AbortSignal.abort(new Error('no')) }),
    'a stream as body': () => ({ method: 'POST', body: new Blob(['a']).stream(), duplex: 'half' }) as RequestInit,
    'getters of a class': () =>
      new Request('http://unused.test', { method: 'PUT', headers: { 'x-a': '1' } }) as RequestInit,
  };
  const TARGETS: Record<string, () => string> = {
    'an answer': () => `${at.listed.origin}/to`,
    'a redirect within the origin': () => redirect('listed', '/from', '/to'),
    'a redirect to another origin': () => redirect('listed', '/from', `${at.unlisted.origin}/to`),
    'a redirect with a policy for the referrer': () =>
      redirect('listed', '/from', `${at.unlisted.origin}/to`, { 'referrer-policy': 'no-referrer' }),
    'a redirect from another origin': () => redirect('unlisted', '/from', `${at.listed.origin}/to`),
    'a bad redirect': () => redirect('listed', '/from', 'http://'),
  };

  for (const [target, urlOf] of Object.entries(TARGETS)) {
    it.each(Object.entries(INITS))(`outcome, requests and headers of ${target} (%s)`, async (_, init) => {
      const [bare, withToken] = await bareAndWrapped(urlOf(), init);
      expect(withToken).toEqual(bare);
    });
  }

  it('those of a Request with a dispatcher, which is used', async () => {
    const used = vi.fn();
    const dispatcher = { dispatch: (options: object, handler: object) => used() ?? globalDispatch(options, handler) };
    await bareAndWrapped(() => new Request(`${at.listed.origin}/a`, { dispatcher } as unknown as RequestInit));
    expect(used).toHaveBeenCalledTimes(2);
  });

  it.skipIf(hidesDispatchers)('those of a clone, which has no dispatcher', async () => {
    const url = redirect('listed', '/from', '/to');
    const [bare, withToken] = await bareAndWrapped(() =>
      new Request(url, { method: 'POST', body: new Blob(['a']).stream(), duplex: 'half' } as RequestInit).clone(),
    );
    expect(bare?.outcome).toMatchObject({ message: 'fetch failed' });
    expect(withToken).toEqual(bare);
  });

  it.each([
    ['headers', () => [['X-Upper', '1']]],
    ['an error', () => [['X-Upper', '1'], null]],
  ])(
    'those of an iterator, which gives them once only, while the token of a stream is waited for (%s)',
    async (_, list) => {
      const init = () => {
        const headers = iterate(list()) as unknown as RequestInit['headers'];
        return { method: 'POST', body: new Blob(['a']).stream(), duplex: 'half', headers } as RequestInit;
      };
      const [bare, withToken] = await bareAndWrapped(`${at.listed.origin}/to`, init, at.source);
      expect(withToken).toEqual(bare);
    },
  );

  it.each<[string, RequestInit | undefined]>([
    ['alone', undefined],
    ['with an init', { redirect: 'follow' }],
    ['with an init that says nothing', { method: undefined } as RequestInit],
  ])('the referrer of a Request (%s)', async (_, init) => {
    const url = redirect('listed', '/from', `${at.unlisted.origin}/to`);
    const seen = [];
    for (const send of [
      fetch,
      wrapped(),
      withToken(fetch.bind(globalThis), at.source, { origins: [at.listed.origin] }),
    ]) {
      const input = new Request(url, { referrer: `${url}?private`, referrerPolicy: 'unsafe-url' });
      await send(input, init);
      seen.push(
        [at.listed, at.unlisted].map(({ requests }) => requests.splice(0).map(({ headers }) => headers.referer)),
      );
    }
    expect(seen.slice(1)).toEqual([seen[0], seen[0]]);
  });

  it('members of an init, each read once', async () => {
    const reads: string[] = [];
    const init = {};
    for (const name of ['method', 'headers', 'body', 'signal']) {
      Object.defineProperty(init, name, { enumerable: true, get: () => void reads.push(name) });
    }
    await wrapped()(`${at.listed.origin}/a`, init);
    expect(reads.sort()).toEqual(['body', 'headers', 'method', 'signal']);
  });
});

function* iterate(list: readonly unknown[]): Generator<unknown> {
  for (const item of list) {
    if (item === null) throw new Error('no more headers');
    yield item;
  }
}

/** The global dispatcher of Node, which is there once a fetch was made. */
function globalDispatch(options: object, handler: object): boolean {
  const symbol = Symbol.for(`undici.globalDispatcher.${undiciVersion < 8 ? 1 : 2}`);
  return Reflect.get(globalThis, symbol).dispatch(options, handler);
}

describe('A refusal', () => {
  const refusing = () =>
    at.listed.on('/a', ({ headers }) =>
      headers.authorization === at.source.value(2) ? { body: 'ok' } : { status: 401, body: 'no' },
    );

  it('does not count for the integrity of the answer', async () => {
    const integrity = `sha256-${createHash('sha256').update('ok').digest('base64')}`;
    expect(await outcomeOf(wrapped()(refusing(), { integrity }))).toMatchObject({ status: 200, body: 'ok' });
  });

  it('is no redirect, and no hop of one', async () => {
    const url = refusing();
    expect(await outcomeOf(wrapped()(url))).toMatchObject({ status: 200, redirected: false, type: 'basic', url });
  });

  it('leads to a second attempt with a large body that was only read in part', async () => {
    const body = new Uint8Array(20 * 1024 * 1024).fill(7);
    const url = refusing();
    expect((await wrapped()(url, { method: 'PUT', body })).status).toBe(200);
    expect(at.listed.requests.map((request) => request.body.length)).toEqual([body.length, body.length]);
  });
});

describe('The body of a request that is aborted', () => {
  it.each(['before', 'during the wait for a token'])('%s is cancelled', async (when) => {
    const asked = new Gate();
    at.source.getToken = () => {
      asked.open();
      return new Promise(() => {});
    };
    const cancel = vi.fn();
    const controller = new AbortController();
    const reason = new Error('enough');
    if (when === 'before') controller.abort(reason);
    const body = new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(1)), cancel });
    const init = { method: 'POST', body, duplex: 'half', signal: controller.signal } as RequestInit;
    const sent = wrapped(at.source)(`${at.listed.origin}/a`, init).catch((error) => error);
    if (when !== 'before') {
      await asked.opened;
      controller.abort(reason);
    }
    expect(await sent).toBe(reason);
    await expect.poll(() => cancel.mock.calls.length).toBe(1);
    expect(at.listed.requests).toEqual([]);
  });

  it.each(['before the call', 'in the turn of the call'])(
    '%s stays as it is where fetch leaves it so',
    async (when) => {
      at.source.getToken = () => new Promise(() => {});
      const destroyed = [];
      for (const send of [fetch, wrapped(at.source)]) {
        const controller = new AbortController();
        if (when === 'before the call') controller.abort();
        const body = Readable.from(['text']);
        const init = { method: 'POST', body, duplex: 'half', signal: controller.signal } as unknown as RequestInit;
        const sent = send(`${at.listed.origin}/a`, init);
        controller.abort();
        await expect(sent).rejects.toThrow('aborted');
        destroyed.push(body.destroyed);
      }
      expect(destroyed[1]).toBe(destroyed[0]);
    },
  );

  it.each<[string, (body: ReadableStream) => RequestInit]>([
    ['keepalive', () => ({ keepalive: true })],
    ['a method without a body', () => ({ method: 'GET' })],
    ['a body that is read', (body) => ({ body: body.getReader() && body })],
    ['a mode that is none', () => ({ mode: 'bad' as RequestInit['mode'] })],
  ])('stays as it is where fetch does not take the request (%s)', async (_, members) => {
    at.source.getToken = () => new Promise(() => {});
    const outcomes = [];
    for (const send of [fetch, wrapped(at.source)]) {
      const [controller, cancel] = [new AbortController(), vi.fn()];
      const body = new ReadableStream({ cancel });
      const signal = controller.signal;
      const init = { method: 'POST', body, duplex: 'half', signal, ...members(body) } as RequestInit;
      const outcome = outcomeOf(send(`${at.listed.origin}/a`, init));
      controller.abort();
      outcomes.push({ ...(await outcome), isCancelled: cancel.mock.calls.length > 0 });
    }
    expect(outcomes[0]).toMatchObject({ name: 'TypeError', isCancelled: false });
    expect(outcomes[1]).toEqual(outcomes[0]);
  });

  it('because there is no token is not sent, and the caller gets to see why', async () => {
    const error = new Error('no token');
    at.source.getToken = () => Promise.reject(error);
    await expect(wrapped(at.source)(`${at.listed.origin}/a`)).rejects.toBe(error);
    expect(at.listed.requests).toEqual([]);
  });
});

it('Where another fetch takes the place of the global one, that one is wrapped, and its requests have the token', async () => {
  const original = globalThis.fetch;
  onTestFinished(() => {
    globalThis.fetch = original;
  });
  const seen: (string | null)[] = [];
  globalThis.fetch = async (input, init) => {
    seen.push(new Request(input, init).headers.get('authorization'));
    return new Response('mocked');
  };
  expect(await (await withToken(fetch, at.source, { origins: [at.listed.origin] })(at.listed.origin)).text()).toBe(
    'mocked',
  );
  expect(seen).toEqual([at.source.value(1)]);
});
