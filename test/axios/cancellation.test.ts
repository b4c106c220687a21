import { setImmediate } from 'node:timers/promises';
import axios, { type AxiosRequestConfig } from 'axios';
import { withToken } from 'projected-token/axios';
import { describe, expect, it } from 'vitest';
import { useHttpOrigins } from '../helpers/http-origins.js';
import { expectNoToken } from '../helpers/http-token-source.js';

const world = useHttpOrigins();

/** A signal that is not the platform's, as those of polyfills are not. */
class OtherSignal {
  aborted = false;
  readonly listeners = new Set<() => void>();
  addEventListener(_: 'abort', listener: () => void): void {
    this.listeners.add(listener);
  }
  removeEventListener(_: 'abort', listener: () => void): void {
    this.listeners.delete(listener);
  }
  abort(): void {
    this.aborted = true;
    for (const listener of this.listeners) listener();
  }
}

/** Each way in which a request of axios can be canceled, and what the message of its error is then. */
const WAYS: Record<string, () => { config: AxiosRequestConfig; cancel: () => void; message: string }> = {
  'a CancelToken': () => {
    const { token, cancel } = axios.CancelToken.source();
    return { config: { cancelToken: token }, cancel: () => cancel('enough'), message: 'enough' };
  },
  'an AbortSignal': () => {
    const abort = new AbortController();
    return { config: { signal: abort.signal }, cancel: () => abort.abort(), message: 'canceled' };
  },
  'a signal that is not the platform’s': () => {
    const signal = new OtherSignal();
    return { config: { signal }, cancel: () => signal.abort(), message: 'canceled' };
  },
  'an AbortSignal beside a CancelToken': () => {
    const abort = new AbortController();
    const { token } = axios.CancelToken.source();
    return { config: { signal: abort.signal, cancelToken: token }, cancel: () => abort.abort(), message: 'canceled' };
  },
};

describe.each(Object.entries(WAYS))('Canceled by %s', (_, make) => {
  const send = (config: AxiosRequestConfig) =>
    withToken(axios.create({ baseURL: world.listed.origin }), world.source)
      .get('/a', config)
      .catch((e: unknown) => e);

  const expectCanceled = (error: unknown, message: string) => {
    expect(error).toBeInstanceOf(axios.CanceledError);
    expect(axios.isCancel(error)).toBe(true);
    expect(error).toMatchObject({ message, code: 'ERR_CANCELED' });
    expectNoToken(error, world.source);
  };

  it.each(['getToken', 'replaceToken'] as const)('a request ends its wait for %s', async (method) => {
    const { config, cancel, message } = make();
    world.source[method] = () => {
      cancel();
      return new Promise<never>(() => {});
    };
    world.listed.on('/a', { status: 401 });
    expectCanceled(await send(config), message);
    expect(world.listed.requests).toHaveLength(method === 'getToken' ? 0 : 1);
  });

  it('a request ends while the server answers, and shows no token', async () => {
    const { config, cancel, message } = make();
    world.listed.on('/a', 'hang');
    const error = send(config);
    await expect.poll(() => world.listed.requests.length).toBe(1);
    cancel();
    expectCanceled(await error, message);
  });

  it('a request of which the adapter tells too late asks for no other token', async () => {
    const { config, cancel, message } = make();
    world.source.replaceToken = () => new Promise<never>(() => {});
    const error = send({
      ...config,
      adapter: async (sent) => {
        cancel();
        return { status: 401, statusText: '', data: '', headers: {}, config: sent };
      },
    });
    expectCanceled(await error, message);
  });

  it('before, no request is sent and no token asked for', async () => {
    const { config, cancel, message } = make();
    cancel();
    expectCanceled(await send(config), message);
    expect(world.listed.requests).toEqual([]);
    expect(world.source.reads).toBe(0);
  });
});

it('leaves no listener on what could have canceled a request', async () => {
  const client = withToken(axios.create({ baseURL: world.listed.origin }), world.source);
  const signal = new OtherSignal();
  const { token } = axios.CancelToken.source();
  await client.get('/a', { signal, cancelToken: token });
  await setImmediate();
  expect(signal.listeners.size).toBe(0);
  expect((token as unknown as { _listeners: unknown[] | null })._listeners ?? []).toEqual([]);
});
