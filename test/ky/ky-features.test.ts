import ky, { HTTPError, type KyInstance, type Options, TimeoutError } from 'ky';
import type { GetTokenOptions } from 'projected-token';
import { withToken } from 'projected-token/fetch';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { rejectionOf } from '../helpers/federation.js';
import { Gate } from '../helpers/gate.js';
import { useHttpOrigins } from '../helpers/http-origins.js';
import { expectNoToken } from '../helpers/http-token-source.js';

const at = useHttpOrigins();

const create = (options: Options = {}): KyInstance =>
  ky.create({ fetch: withToken(fetch, at.source, { origins: [at.listed.origin] }), ...options });

describe('A prefix URL', () => {
  it('leads to where the token may go', async () => {
    const client = create({ prefixUrl: `${at.listed.origin}/v1` });
    expect(await client.post('orders', { json: { item: 'book' } }).text()).toBe('ok');
    expect(at.listed.seen('/v1/orders', 'authorization')).toEqual([at.source.value(1)]);
    expect(String(at.listed.requests[0]?.body)).toBe('{"item":"book"}');
  });

  it('of another origin gets none, and an extended instance keeps to that', async () => {
    const elsewhere = create().extend({ prefixUrl: at.unlisted.origin });
    await elsewhere.get('a');
    expect(at.unlisted.seen('/a', 'authorization')).toEqual([undefined]);
  });
});

describe("ky's own retry", () => {
  const retry = { limit: 2, delay: () => 1 };

  it('sends each attempt with the token', async () => {
    const url = at.listed.on('/a', () => (at.listed.requests.length < 3 ? { status: 503 } : { body: 'at last' }));
    expect(await create({ retry }).get(url).text()).toBe('at last');
    expect(at.listed.seen('/a', 'authorization')).toEqual(Array(3).fill(at.source.value(1)));
  });

  it('goes on with the other token after a refusal', async () => {
    const answers = [{ status: 401 }, { status: 503 }, { body: 'at last' }];
    const url = at.listed.on('/a', () => answers[at.listed.requests.length - 1] ?? { status: 500 });
    expect(
      await create({ retry })
        .put(url, { json: { item: 'book' } })
        .text(),
    ).toBe('at last');
    expect(at.listed.seen('/a', 'authorization')).toEqual([1, 2, 2].map((generation) => at.source.value(generation)));
    expect(at.listed.requests.map(({ body }) => String(body))).toEqual(Array(3).fill('{"item":"book"}'));
  });

  it('may list the refusal as well, and every attempt of it is sent at most twice', async () => {
    const url = at.listed.on('/a', { status: 401 });
    const error = await rejectionOf(create({ retry: { ...retry, statusCodes: [401] } }).get(url));
    expect(error).toMatchObject({ response: { status: 401 } });
    expect(at.listed.requests).toHaveLength(6);
  });

  it('asks the source anew at each attempt', async () => {
    const { getToken } = at.source;
    at.source.getToken = () => {
      at.source.getToken = getToken;
      return Promise.reject(new Error('no token yet'));
    };
    expect(await create({ retry }).get(`${at.listed.origin}/a`).text()).toBe('ok');
    expect(at.listed.seen('/a', 'authorization')).toEqual([at.source.value(1)]);
  });
});

describe('Hooks', () => {
  it('see no token, and change the request as ever', async () => {
    const url = at.listed.on('/a', { status: 503, body: 'no' });
    const seen = new Map<string, unknown[]>();
    const watch = (hook: string, parameters: unknown[]) => seen.set(hook, [...(seen.get(hook) ?? []), ...parameters]);
    const client = create({
      retry: { limit: 1, methods: ['post'], delay: () => 1 },
      hooks: {
        beforeRequest: [
          (request, ...others) => {
            watch('beforeRequest', [request, ...others]);
            request.headers.set('x-own', '1');
          },
        ],
        beforeRetry: [(...parameters) => void watch('beforeRetry', parameters)],
        afterResponse: [(...parameters) => void watch('afterResponse', parameters)],
        beforeError: [
          (error) => {
            watch('beforeError', [error]);
            return error;
          },
        ],
      },
    });
    const error = await rejectionOf(client.post(url, { json: {} }));
    expect(error).toBeInstanceOf(HTTPError);
    expect(at.listed.seen('/a', 'x-own')).toEqual(['1', '1']);
    expect(at.listed.seen('/a', 'authorization')).toEqual(Array(2).fill(at.source.value(1)));
    expect([...seen.keys()].sort()).toEqual(['afterResponse', 'beforeError', 'beforeRequest', 'beforeRetry']);
    for (const value of [...seen.values(), error]) expectNoToken(value, at.source);
  });

  it('may put a header of their own in the place of the token', async () => {
    const own = create({ hooks: { beforeRequest: [(request) => request.headers.set('authorization', 'own')] } });
    await own.get(`${at.listed.origin}/a`);
    expect(at.listed.seen('/a', 'authorization')).toEqual(['own']);
    expect(at.source.reads).toBe(0);
  });
});

it.each(['getToken', 'replaceToken'] as const)("ky's timeout ends the wait for %s", async (method) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const asked = new Gate<AbortSignal | undefined>();
  at.source[method] = (...parameters: unknown[]) => {
    asked.open((parameters.at(-1) as GetTokenOptions).signal);
    return new Promise<never>(() => {});
  };
  const url = at.listed.on('/a', { status: 401 });
  const failure = rejectionOf(create({ timeout: 5000, retry: 0 }).get(url));
  const signal = await asked.opened;
  vi.advanceTimersByTime(5000);
  const error = await failure;
  expect(error).toBeInstanceOf(TimeoutError);
  expect(signal?.aborted).toBe(true);
  expect(at.listed.requests).toHaveLength(method === 'getToken' ? 0 : 1);
  expectNoToken(error, at.source);
});

it('A refusal that no other token helps against is an HTTPError without the token', async () => {
  const url = at.listed.on('/a', { status: 401, body: '{"errors":["permission denied"]}' });
  const error = await rejectionOf(create().post(url, { json: {} }).json());
  expect(error).toBeInstanceOf(HTTPError);
  expect(await (error.response as Response).json()).toEqual({ errors: ['permission denied'] });
  expect(at.listed.requests).toHaveLength(2);
  expectNoToken(error, at.source);
});
