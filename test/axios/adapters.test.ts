import { once } from 'node:events';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import axios, { AxiosError, type AxiosRequestConfig, type InternalAxiosRequestConfig } from 'axios';
import { withToken } from 'projected-token/axios';
import { describe, expect, it } from 'vitest';
import { useHttpOrigins } from '../helpers/http-origins.js';
import { expectNoToken } from '../helpers/http-token-source.js';

const VAULT = { header: 'X-Vault-Token' };
const world = useHttpOrigins(VAULT);
const connect = (config: AxiosRequestConfig) =>
  withToken(axios.create({ baseURL: world.listed.origin, ...config }), world.source);
const seen = (path: string) => world.listed.seen(path, VAULT.header);

describe('The fetch adapter of axios', () => {
  it.each([
    ['by its name', () => 'fetch' as const],
    ['as the first of a list', () => ['xhr', 'fetch', 'http'] as const],
    ['as getAdapter gives it', () => axios.getAdapter('fetch')],
    [
      'as getAdapter gives it for a request',
      () => axios.getAdapter('fetch', { env: axios.defaults.env } as InternalAxiosRequestConfig),
    ],
  ])('%s takes the token off towards another origin', async (_, adapter) => {
    world.listed.on('/a', { status: 307, headers: { location: `${world.unlisted.origin}/b` } });
    await connect({ adapter: adapter() as AxiosRequestConfig['adapter'] }).get('/a');
    expect(seen('/a')).toEqual([world.source.value(1)]);
    expect(world.unlisted.seen('/b', VAULT.header)).toEqual([undefined]);
  });

  it('sends with the fetch of the program, where it has one', async () => {
    const urls: string[] = [];
    const own: typeof fetch = (input, init) => {
      urls.push(input instanceof Request ? input.url : String(input));
      return fetch(input, init);
    };
    world.listed.on('/a', ({ headers }) => ({
      status: headers['x-vault-token'] === world.source.value(1) ? 401 : 200,
    }));
    await connect({ adapter: 'fetch', env: { fetch: own } }).post('/a', 'text');
    expect(urls).toEqual(Array(2).fill(`${world.listed.origin}/a`));
    expect(seen('/a')).toEqual([world.source.value(1), world.source.value(2)]);
  });

  it('sends a stream once only, and what is no stream again', async () => {
    world.listed.on('/a', { status: 401 });
    const client = connect({ adapter: 'fetch', validateStatus: null });
    await client.post('/a', 'text');
    await client.post('/a', Readable.from([Buffer.from('streamed')]));
    await client.post('/a', 'text');
    expect(world.listed.requests.map(({ body }) => String(body))).toEqual(['text', 'text', 'streamed', 'text', 'text']);
  });

  it('takes the token off at the second time of a request that was canceled at first, too', async () => {
    world.listed.on('/a', { status: 307, headers: { location: `${world.unlisted.origin}/b` } });
    const client = connect({ adapter: 'fetch' });
    const canceled: AxiosError = await client.get('/a', { signal: AbortSignal.abort() }).catch((error) => error);
    await client.request({ ...canceled.config, signal: undefined });
    expect(seen('/a')).toEqual([world.source.value(1)]);
    expect(world.unlisted.seen('/b', VAULT.header)).toEqual([undefined]);
  });

  it.each(['1.7.0', '1.11.0'])('is refused in axios %s, which would send with a fetch of its own', async (version) => {
    const { VERSION } = axios;
    Object.assign(axios, { VERSION: version });
    const error = await connect({ adapter: 'fetch' })
      .get('/a')
      .catch((e: unknown) => e)
      .finally(() => Object.assign(axios, { VERSION }));
    expect(error).toMatchObject({ code: 'ERR_TOKEN_OPTION', option: 'adapter' });
    expect(world.listed.requests).toEqual([]);
  });

  it('shows the program the configuration that it gave', async () => {
    const response = await connect({ adapter: 'fetch' }).get('/a');
    expect(JSON.parse(JSON.stringify(response.config)).adapter).toBe('fetch');
    expect(response.config.env?.fetch).toBeUndefined();
    expectNoToken(response, world.source);
  });
});

describe("An adapter of the program's own", () => {
  it('gets the token, and is called again when it is refused', async () => {
    const values: unknown[] = [];
    const adapter = async (config: InternalAxiosRequestConfig) => {
      const value = config.headers.get(VAULT.header);
      values.push(value);
      const status = value === world.source.value(1) ? 401 : 200;
      return { status, statusText: '', data: 'own', headers: {}, config };
    };
    const response = await connect({ adapter }).get('/a');
    expect(response).toMatchObject({ status: 200, data: 'own', config: { url: '/a' } });
    expect(values).toEqual([world.source.value(1), world.source.value(2)]);
    expectNoToken(response, world.source);
  });

  it('gets none for another origin', async () => {
    const adapter = async (config: InternalAxiosRequestConfig) => ({
      status: 200,
      statusText: '',
      data: config.headers.get(VAULT.header) ?? 'none',
      headers: {},
      config,
    });
    expect((await connect({ adapter }).get(`${world.unlisted.origin}/a`)).data).toBe('none');
  });

  it('gets all that an interceptor put into the configuration, symbols too', async () => {
    const note = Symbol('note');
    const adapter = async (config: InternalAxiosRequestConfig) => {
      const { [note]: found, attempt } = config as unknown as Record<PropertyKey, unknown>;
      return { status: 200, statusText: '', data: [found, attempt], headers: {}, config };
    };
    const client = connect({ adapter });
    client.interceptors.request.use((config) => Object.assign(config, { [note]: 'a', attempt: 1 }));
    expect((await client.get('/a')).data).toEqual(['a', 1]);
  });

  it.each([
    ['an error of axios', new AxiosError('broken', 'ERR_NETWORK')],
    ['another error', new Error('broken')],
  ])('may reject with %s, which comes as it is', async (_, reason) => {
    const error = await connect({ adapter: () => Promise.reject(reason) })
      .get('/a')
      .catch((e: unknown) => e);
    expect(error).toBe(reason);
  });

  it('that an interceptor takes off is that of axios again', async () => {
    const client = connect({});
    client.interceptors.request.use(({ adapter, ...config }) => config as InternalAxiosRequestConfig);
    await client.get('/a');
    expect(seen('/a')).toEqual([world.source.value(1)]);
  });
});

describe('HTTP/2', () => {
  it('carries the token, and does not show it', async () => {
    const server = createHttp2Server();
    const values: unknown[] = [];
    server.on('stream', (stream, headers) => {
      values.push(headers['x-vault-token']);
      stream.respond({ ':status': headers['x-vault-token'] === world.source.value(1) ? 401 : 200 });
      stream.end('over HTTP/2');
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const response = await connect({ baseURL, httpVersion: 2, http2Options: { sessionTimeout: 1 } }).get('/a');
    expect(response.data).toBe('over HTTP/2');
    expect(values).toEqual([world.source.value(1), world.source.value(2)]);
    expectNoToken(response, world.source);
    server.close();
  });
});
