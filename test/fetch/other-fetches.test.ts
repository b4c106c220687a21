import { createRequire } from 'node:module';
import { HttpResponse, http } from 'msw';
import { setupServer } from 'msw/node';
import { withToken } from 'projected-token/fetch';
import { fetch as undiciFetch } from 'undici';
import { describe, expect, it, vi } from 'vitest';
import { useHttpOrigins } from '../helpers/http-origins.js';
import { expectNoToken } from '../helpers/http-token-source.js';

// Any function like fetch: what no dispatcher can be given to is sent by hand.

// cross-fetch would bring the types of the DOM along, and the others have none under these names.
const load = createRequire(import.meta.url);
const [crossFetch, nodeFetch2] = [load('cross-fetch'), load('node-fetch-2')];
const { default: nodeFetch3, Request: Request3 } = await import('node-fetch-3' as string);

const at = useHttpOrigins();
const wrap = (client: unknown): typeof fetch =>
  withToken(client as typeof fetch, at.source, { origins: [at.listed.origin] });

const FETCHES: Record<string, unknown> = {
  'node-fetch 2': nodeFetch2,
  'node-fetch 3': nodeFetch3,
  'cross-fetch': crossFetch,
  "undici's fetch": undiciFetch,
  "Node's fetch, bound": fetch.bind(globalThis),
  // As msw, Next.js and wrappers that log do.
  'a fetch that keeps an unread clone of each response': async (...args: Parameters<typeof fetch>) => {
    const response = await fetch(...args);
    kept.push(response.clone());
    return response;
  },
};
const kept: Response[] = [];

describe.each(Object.entries(FETCHES))('%s', (_, client) => {
  it('sends the token, and once more after a refusal', async () => {
    const url = at.listed.on('/a', ({ headers }) =>
      headers.authorization === at.source.value(2) ? { body: 'done' } : { status: 401, body: 'x'.repeat(100_000) },
    );
    const response = await wrap(client)(url, { method: 'POST', body: 'payload' });
    expect([response.status, await response.text()]).toEqual([200, 'done']);
    expect(at.listed.seen('/a', 'authorization')).toEqual([at.source.value(1), at.source.value(2)]);
    expect(at.listed.requests.map(({ body }) => String(body))).toEqual(['payload', 'payload']);
  });

  it('follows a redirect, and takes the token along only where it may go', async () => {
    at.listed.on('/from', { status: 307, headers: { location: '/via' }, body: 'x'.repeat(100_000) });
    at.listed.on('/via', { status: 307, headers: { location: `${at.unlisted.origin}/to` } });
    const response = await wrap(client)(`${at.listed.origin}/from`);
    expect([await response.text(), response.redirected]).toEqual(['ok', true]);
    expect(at.listed.seen('/via', 'authorization')).toEqual([at.source.value(1)]);
    expect(at.unlisted.seen('/to', 'authorization')).toEqual([undefined]);
  });

  it('rejects an aborted request with an abort error, during the wait for a token too', async () => {
    const [url, controller] = [at.listed.on('/a', 'hang'), new AbortController()];
    const { getToken } = at.source;
    const sent = wrap(client)(url, { signal: controller.signal }).catch((error) => error);
    await expect.poll(() => at.listed.requests.length).toBe(1);
    controller.abort();
    expect(await sent).toMatchObject({ name: 'AbortError' });
    expectNoToken(await sent, at.source);

    at.source.getToken = () => new Promise(() => {});
    const waiting = new AbortController();
    const waited = wrap(client)(url, { signal: waiting.signal }).catch((error) => error);
    waiting.abort();
    expect(await waited).toMatchObject({ name: 'AbortError' });
    at.source.getToken = getToken;
  });
});

describe('The option follow of node-fetch', () => {
  it.each([
    ['2', nodeFetch2, nodeFetch2.Request],
    ['3', nodeFetch3, Request3],
  ])('says how many redirects version %s follows', async (_, client, Request) => {
    at.listed.on('/from', { status: 307, headers: { location: '/via' } });
    at.listed.on('/via', { status: 307, headers: { location: '/to' } });
    const send = (follow: number) =>
      wrap(client)(`${at.listed.origin}/from`, { follow } as RequestInit).then(
        ({ status }) => status,
        (error) => error,
      );
    expect(await send(2)).toBe(200);
    expect(await send(1)).toMatchObject({ cause: { message: 'redirect count exceeded' } });
    expect(await send(0)).toMatchObject({ cause: { message: 'redirect count exceeded' } });
    expect(at.listed.requests.map(({ path }) => path)).toEqual(['/from', '/via', '/to', '/from', '/via', '/from']);
    const request = new Request(`${at.listed.origin}/from`, { follow: 0 });
    await expect(wrap(client)(request)).rejects.toThrow('fetch failed');
  });
});

describe('msw', () => {
  it('gets all headers of a Request', async () => {
    const seen: [string, string][] = [];
    const server = setupServer(
      http.all(`${at.listed.origin}/a`, ({ request }) => {
        seen.push(...request.headers);
        return HttpResponse.text('ok');
      }),
    );
    server.listen({ onUnhandledRequest: 'error' });
    try {
      const headers = { accept: 'a/b', cookie: 'c=d' };
      await wrap(globalThis.fetch)(new Request(`${at.listed.origin}/a`, { method: 'POST', body: 'text', headers }));
    } finally {
      server.close();
    }
    expect(Object.fromEntries(seen)).toEqual({
      accept: 'a/b',
      cookie: 'c=d',
      'content-type': 'text/plain;charset=UTF-8',
      authorization: at.source.value(1),
    });
  });
});

describe('By hand', () => {
  const wrapped = () => wrap(fetch.bind(globalThis));

  it('the headers keep their case and order, and the token is the last', async () => {
    const client = vi.fn(async (_url: string, _init: RequestInit) => new Response());
    const headers = { 'X-Upper': '1', accept: 'a/b', 'A-first': '2' };
    await wrap(client)(`${at.listed.origin}/a`, { headers });
    expect(client.mock.calls[0]?.[1].headers).toEqual([
      ...Object.entries(headers),
      ['authorization', at.source.value(1)],
    ]);
  });

  it.each<[string, (headers: [string, string][]) => unknown]>([
    ['a Map', (headers) => new Map(headers)],
    ['an iterator, which gives them once only', (headers) => headers.values()],
  ])('the headers of %s keep their case and order too', async (_, make) => {
    const client = vi.fn(async (_url: string, _init: RequestInit) => new Response());
    const headers: [string, string][] = [
      ['X-Upper', '1'],
      ['accept', 'a/b'],
    ];
    await wrap(client)(`${at.listed.origin}/a`, { headers: make(headers) as RequestInit['headers'] });
    expect(client.mock.calls[0]?.[1].headers).toEqual([...headers, ['authorization', at.source.value(1)]]);
  });

  it.each([{}, { status: 204 }, { status: 302 }, undefined, null, 'text'])(
    'a mock may answer with %j',
    async (answer) => {
      const mock = vi.fn(async () => answer);
      expect(await wrap(mock)(`${at.listed.origin}/a`)).toBe(answer);
      expect(mock).toHaveBeenCalledTimes(1);
    },
  );

  it('a redirect says how much of the referrer goes on', async () => {
    const client = vi.fn(async (url: string, _init: RequestInit) => {
      const headers = { location: `${at.unlisted.origin}/to`, 'referrer-policy': 'no-referrer' };
      return url.endsWith('/from') ? new Response(null, { status: 307, headers }) : new Response();
    });
    await wrap(client)(`${at.listed.origin}/from`, { referrerPolicy: 'unsafe-url' });
    expect(client.mock.calls.map(([, init]) => init.referrerPolicy)).toEqual(['unsafe-url', 'no-referrer']);
  });

  it('mode same-origin keeps a request within its origin', async () => {
    const url = at.listed.on('/from', { status: 307, headers: { location: `${at.unlisted.origin}/to` } });
    await expect(wrapped()(url, { mode: 'same-origin' })).rejects.toThrow('fetch failed');
    expect(at.unlisted.requests).toEqual([]);
  });

  it('the type of an answer of another origin is cors', async () => {
    const url = at.listed.on('/from', { status: 307, headers: { location: `${at.unlisted.origin}/to` } });
    expect((await wrapped()(url)).type).toBe('cors');
  });

  it('a signal that is none is left for fetch to reject', async () => {
    const init = { signal: {} as AbortSignal };
    const expected = await fetch(`${at.listed.origin}/a`, init).catch((error) => error);
    expect(await wrapped()(`${at.listed.origin}/a`, init).catch((error) => error)).toEqual(expected);
  });

  it.each(['aborted before', 'without a token'])('the stream of a request %s is cancelled', async (why) => {
    const cancel = vi.fn();
    const reason = new Error(why);
    if (why === 'without a token') at.source.getToken = () => Promise.reject(reason);
    const signal = why === 'aborted before' ? AbortSignal.abort(reason) : null;
    const body = new ReadableStream({ cancel });
    const init = { method: 'POST', body, duplex: 'half', signal } as RequestInit;
    await expect(wrapped()(`${at.listed.origin}/a`, init)).rejects.toBe(reason);
    expect(cancel).toHaveBeenCalledWith(reason);
    expect(at.listed.requests).toEqual([]);
  });
});
