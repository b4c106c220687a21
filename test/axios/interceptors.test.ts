import axios, { type AxiosError, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import { withToken } from 'projected-token/axios';
import { describe, expect, it } from 'vitest';
import { useHttpOrigins } from '../helpers/http-origins.js';
import { expectNoToken } from '../helpers/http-token-source.js';

const world = useHttpOrigins();
const create = () => axios.create({ baseURL: world.listed.origin });
const seen = (path: string) => world.listed.seen(path, 'authorization');

const refuseFirstToken = () =>
  world.listed.on('/a', ({ headers }) => ({ status: headers.authorization === world.source.value(1) ? 401 : 200 }));

describe('Interceptors', () => {
  it('of the given instance are those of the new one, in their order; later ones are not shared', async () => {
    const given = create();
    const order: string[] = [];
    const note = (name: string) => (config: InternalAxiosRequestConfig) => {
      order.push(name);
      return config;
    };
    const noteResponse = (name: string) => (response: AxiosResponse) => {
      order.push(name);
      return response;
    };
    given.interceptors.request.use(note('first'));
    given.interceptors.request.eject(given.interceptors.request.use(note('ejected')));
    given.interceptors.request.use(async (config) => note('second')(config));
    given.interceptors.request.use(note('when'), null, { runWhen: ({ url }) => url === '/other' });
    given.interceptors.response.use(noteResponse('response'));
    const client = withToken(given, world.source);
    client.interceptors.request.use(note('of the new one'));
    given.interceptors.request.use(note('of the given one'));
    await client.get('/a');
    expect(order).toEqual(['of the new one', 'second', 'first', 'response']);
    expect(seen('/a')).toEqual([world.source.value(1)]);
  });

  it.each([true, false])('decide where a request goes (synchronous: %s)', async (synchronous) => {
    const given = create();
    given.interceptors.request.use(
      (config) => ({ ...config, baseURL: config.url === '/away' ? world.unlisted.origin : config.baseURL }),
      null,
      { synchronous },
    );
    const client = withToken(given, world.source);
    await client.get('/away');
    await client.get('/a');
    expect(world.unlisted.seen('/away', 'authorization')).toEqual([undefined]);
    expect(seen('/a')).toEqual([world.source.value(1)]);
  });

  it('that are synchronous stay so', async () => {
    const client = withToken(create(), world.source);
    let hasRun = false;
    client.interceptors.request.use(
      (config) => {
        hasRun = true;
        return config;
      },
      null,
      { synchronous: true },
    );
    const response = client.get('/a');
    expect(hasRun).toBe(true);
    await response;
  });

  it('may set the header, which is left alone then', async () => {
    const client = withToken(create(), world.source);
    client.interceptors.request.use((config) => {
      config.headers.setAuthorization('Basic abc');
      return config;
    });
    await client.get('/a');
    expect(seen('/a')).toEqual(['Basic abc']);
    expect(world.source.reads).toBe(0);
  });

  it('see no token in the request, and none in the response', async () => {
    const client = withToken(create(), world.source);
    const configs: unknown[] = [];
    client.interceptors.request.use((config) => {
      configs.push(config);
      return config;
    });
    client.interceptors.response.use((response) => {
      configs.push(response, response.config);
      return response;
    });
    await client.get('/a');
    expect(configs).toHaveLength(3);
    expectNoToken(configs, world.source);
  });

  it('and transformers run once for a request that is sent again', async () => {
    refuseFirstToken();
    const client = withToken(create(), world.source);
    const calls: string[] = [];
    client.interceptors.request.use((config) => {
      calls.push('request');
      return config;
    });
    client.interceptors.response.use((response) => {
      calls.push(`response ${response.status}`);
      return response;
    });
    await client.post('/a', 'text', {
      transformRequest: (data) => {
        calls.push('transform');
        return `${data}!`;
      },
    });
    expect(calls).toEqual(['request', 'transform', 'response 200']);
    expect(world.listed.requests.map(({ body }) => String(body))).toEqual(['text!', 'text!']);
  });

  it('that send a failed request again do so with the token of that time', async () => {
    let attempts = 0;
    world.listed.on('/a', () => ({ status: ++attempts < 3 ? 503 : 200 }));
    const client = withToken(create(), world.source);
    client.interceptors.response.use(undefined, async (error: AxiosError) => {
      await world.source.replaceToken('');
      return client.request(error.config!);
    });
    expect((await client.post('/a', { a: 1 })).status).toBe(200);
    expect(seen('/a')).toEqual([world.source.value(1), world.source.value(2), world.source.value(3)]);
    expect(world.listed.requests.map(({ body }) => String(body))).toEqual(Array(3).fill('{"a":1}'));
  });

  it('that send the request of an error to another origin send no token along', async () => {
    world.listed.on('/a', { status: 503 });
    const client = withToken(create(), world.source);
    client.interceptors.response.use(undefined, (error: AxiosError) =>
      axios.request({ ...error.config, baseURL: world.unlisted.origin }),
    );
    await client.get('/a');
    expect(world.unlisted.seen('/a', 'authorization')).toEqual([undefined]);
  });

  it('in the order in which they were added leave the token on', async () => {
    const client = withToken(create(), world.source);
    client.interceptors.request.use((config) => ({ ...config, url: '/b' }));
    await client.get('/a', { transitional: { legacyInterceptorReqResOrdering: false } });
    expect(seen('/b')).toEqual([world.source.value(1)]);
  });
});
