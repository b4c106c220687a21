import { Readable } from 'node:stream';
import axios, { type AxiosError, type AxiosInstance } from 'axios';
import { withToken } from 'projected-token/axios';
import { describe, expect, it } from 'vitest';
import { useHttpOrigins } from '../helpers/http-origins.js';

const world = useHttpOrigins();
const create = () => axios.create({ baseURL: world.listed.origin });
const seen = (path: string) => world.listed.seen(path, 'authorization');

/** What axios-retry does: sends the configuration of an error again with the instance that it was given. */
function retryWith(instance: AxiosInstance, sender: AxiosInstance = instance): void {
  instance.interceptors.response.use(undefined, (error: AxiosError) => sender.request(error.config!));
}

const failOnce = () => {
  let count = 0;
  world.listed.on('/a', () => ({ status: ++count === 1 ? 503 : 200 }));
};

describe('A retrying interceptor carries the token at the second attempt', () => {
  it('where it was attached before the instance was wrapped', async () => {
    failOnce();
    const base = create();
    retryWith(base);
    expect((await withToken(base, world.source).post('/a', 'text')).status).toBe(200);
    expect(seen('/a')).toEqual([world.source.value(1), world.source.value(1)]);
  });

  it('where it was attached after', async () => {
    failOnce();
    const client = withToken(create(), world.source);
    retryWith(client);
    expect((await client.post('/a', 'text')).status).toBe(200);
    expect(seen('/a')).toEqual([world.source.value(1), world.source.value(1)]);
  });

  it('where it sends with axios itself', async () => {
    failOnce();
    const client = withToken(create(), world.source);
    retryWith(client, axios);
    await client.get('/a');
    expect(seen('/a')).toEqual([world.source.value(1), world.source.value(1)]);
  });

  it('and it is replaced there when it is refused', async () => {
    const statuses = [503, 401, 200];
    world.listed.on('/a', () => ({ status: statuses.shift()! }));
    const base = create();
    retryWith(base);
    await withToken(base, world.source).get('/a');
    expect(seen('/a')).toEqual([world.source.value(1), world.source.value(1), world.source.value(2)]);
  });

  it('but not at another origin', async () => {
    world.listed.on('/a', { status: 503 });
    const base = create();
    base.interceptors.response.use(undefined, (error: AxiosError) =>
      base.request({ ...error.config, baseURL: world.unlisted.origin }),
    );
    await withToken(base, world.source).get('/a');
    expect(world.unlisted.seen('/a', 'authorization')).toEqual([undefined]);
  });
});

describe('The configuration that the program gets to see', () => {
  it.each([
    ['no body', (client: AxiosInstance) => client.get('/a')],
    ['text', (client: AxiosInstance) => client.post('/a', 'text')],
    ['a stream', (client: AxiosInstance) => client.post('/a', Readable.from([Buffer.from('streamed')]))],
    ['a form', (client: AxiosInstance) => client.post('/a', new URLSearchParams({ a: '1' }))],
  ])('has the headers that axios adds, with %s', async (_, send) => {
    const [bare, wrapped] = [await send(create()), await send(withToken(create(), world.source))];
    expect(wrapped.config.headers.toJSON()).toEqual(bare.config.headers.toJSON());
    expect(wrapped.config.headers.get('User-Agent')).toBe(`axios/${axios.VERSION}`);
  });

  it('is that of the interceptors', async () => {
    const client = withToken(create(), world.source);
    let given: unknown;
    client.interceptors.request.use((config) => {
      given = config;
      return config;
    });
    expect((await client.get('/a')).config).toBe(given);
  });
});

describe('The option timeout covers the wait for the token', () => {
  const timeOut = (config: object) =>
    withToken(create(), world.source)
      .get('/a', { timeout: 100, ...config })
      .catch((error: unknown) => error);

  it.each([
    ['', {}, { code: 'ECONNABORTED', message: 'timeout of 100ms exceeded' }],
    [', in the words of the program', { timeoutErrorMessage: 'too slow' }, { message: 'too slow' }],
    [', with the code that it wants', { transitional: { clarifyTimeoutError: true } }, { code: 'ETIMEDOUT' }],
  ])('that never ends%s', async (_, config, expected) => {
    world.source.getToken = () => new Promise(() => {});
    const error = await timeOut(config);
    expect(error).toBeInstanceOf(axios.AxiosError);
    expect(error).toMatchObject(expected);
    expect((error as AxiosError).config?.url).toBe('/a');
    expect(world.listed.requests).toEqual([]);
  });

  it('and what follows it together', async () => {
    const { getToken } = world.source;
    world.source.getToken = (options) =>
      new Promise((resolve) => setTimeout(() => resolve(getToken.call(world.source, options)), 60));
    world.listed.on('/a', 'hang');
    const startedAt = performance.now();
    expect(await timeOut({})).toMatchObject({ message: 'timeout of 100ms exceeded' });
    // One after the other they would take 160 ms at least.
    expect(performance.now() - startedAt).toBeLessThan(155);
  });

  it('of a token in the place of a refused one', async () => {
    world.listed.on('/a', { status: 401 });
    world.source.replaceToken = () => new Promise(() => {});
    expect(await timeOut({})).toMatchObject({ code: 'ECONNABORTED', message: 'timeout of 100ms exceeded' });
  });
});
