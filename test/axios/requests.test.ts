import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import axios, { type AxiosError, type AxiosRequestConfig } from 'axios';
import { withToken } from 'projected-token/axios';
import { describe, expect, it } from 'vitest';
import { useHttpOrigins } from '../helpers/http-origins.js';
import { expectNoToken } from '../helpers/http-token-source.js';

const world = useHttpOrigins();
const connect = (defaults: AxiosRequestConfig = {}) =>
  withToken(axios.create({ baseURL: world.listed.origin, ...defaults }), world.source);
const seen = (path: string) => world.listed.seen(path, 'authorization');

/** A path that accepts the second token only, and says so. */
const refuseFirstToken = () =>
  world.listed.on('/a', ({ headers }) =>
    headers.authorization === world.source.value(1) ? { status: 401, body: 'refused' } : { body: '{"accepted":true}' },
  );

describe('Options of a request', () => {
  it.each([
    ['json', { accepted: true }],
    ['text', '{"accepted":true}'],
    ['arraybuffer', Buffer.from('{"accepted":true}')],
  ] as const)('responseType "%s" is that of the second response', async (responseType, expected) => {
    refuseFirstToken();
    const { data } = await connect().get('/a', { responseType });
    expect(data).toEqual(expected);
  });

  it('responseType "stream" gives the stream of the second response, and ends that of the first', async () => {
    refuseFirstToken();
    const { data, status } = await connect().get<Readable>('/a', { responseType: 'stream' });
    expect(status).toBe(200);
    expect(await text(data)).toBe('{"accepted":true}');
    await expect.poll(() => world.listed.openConnections()).toBeLessThanOrEqual(1);
  });

  it('responseType "stream" gives the refusal where there is no other token', async () => {
    world.source.replaceToken = async () => undefined;
    refuseFirstToken();
    const error: AxiosError<Readable> = await connect()
      .get('/a', { responseType: 'stream' })
      .catch((e) => e);
    expect(await text(error.response!.data)).toBe('refused');
  });

  it.each([() => true, (status: number) => status < 500, null])(
    'validateStatus may accept a refusal',
    async (validateStatus) => {
      refuseFirstToken();
      const client = connect({ validateStatus });
      expect((await client.get('/a')).status).toBe(200);
      world.source.replaceToken = async () => undefined;
      world.listed.on('/b', { status: 401 });
      expect((await client.get('/b')).status).toBe(401);
    },
  );

  it('timeout ends a request as it does without the token', async () => {
    world.listed.on('/a', 'hang');
    const error = await connect({ timeout: 50 })
      .get('/a')
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(axios.AxiosError);
    expect(error).toMatchObject({ code: 'ECONNABORTED', message: 'timeout of 50ms exceeded' });
    expectNoToken(error, world.source);
  });

  it('onUploadProgress is told, and the body sent again', async () => {
    refuseFirstToken();
    let loaded = 0;
    const body = Buffer.alloc(200_000, 'x');
    await connect().post('/a', body, {
      onUploadProgress: (event) => {
        loaded = event.loaded;
      },
    });
    expect(loaded).toBe(body.length);
    expect(world.listed.requests.map((request) => request.body.equals(body))).toEqual([true, true]);
  });

  it('params are sent at the retry as well', async () => {
    refuseFirstToken();
    const { request } = await connect().get('/a?x=1', { params: { y: 2 } });
    expect(request.path).toBe('/a?x=1&y=2');
    expect(seen('/a')).toEqual([world.source.value(1), world.source.value(2)]);
  });
});

describe('A form of postForm', () => {
  /** The fields of the forms that arrived. */
  const forms = () =>
    Promise.all(
      world.listed.requests.map(async ({ body, headers }) =>
        Object.fromEntries(
          await new Response(body, { headers: { 'content-type': String(headers['content-type']) } }).formData(),
        ),
      ),
    );

  it('is sent again as it was', async () => {
    refuseFirstToken();
    await connect().postForm('/a', { name: 'Grüße', 'list[]': [1, 2] });
    expect(await forms()).toEqual(Array(2).fill({ name: 'Grüße', 'list[]': '2' }));
  });

  it('is sent only once with a stream in it', async () => {
    refuseFirstToken();
    const error: AxiosError = await connect()
      .postForm('/a', { file: Readable.from([Buffer.from('streamed')]) })
      .catch((e) => e);
    expect(error.response?.status).toBe(401);
    expect(world.listed.requests.map(({ body }) => String(body).includes('streamed'))).toEqual([true]);
  });
});

describe('Redirects', () => {
  const redirect = (path: string, location: string, status = 307) =>
    world.listed.on(path, { status, headers: { location } });

  it('are not followed with maxRedirects 0, and the response shows no token', async () => {
    redirect('/a', '/b');
    const error: AxiosError = await connect({ maxRedirects: 0 })
      .get('/a')
      .catch((e) => e);
    expect(error.response).toMatchObject({ status: 307, headers: { location: '/b' } });
    expect(world.listed.requests).toHaveLength(1);
    expectNoToken(error, world.source);
  });

  it('are refused tokens for with maxRedirects 0 as well', async () => {
    refuseFirstToken();
    await connect({ maxRedirects: 0 }).post('/a', 'text');
    expect(seen('/a')).toEqual([world.source.value(1), world.source.value(2)]);
  });

  it('end at maxRedirects', async () => {
    redirect('/a', '/b');
    redirect('/b', '/c');
    const error = await connect({ maxRedirects: 1 })
      .get('/a')
      .catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'ERR_FR_TOO_MANY_REDIRECTS' });
    expect(world.listed.requests.map(({ path }) => path)).toEqual(['/a', '/b']);
  });

  it("show beforeRedirect of the program where it leads, and nobody's token", async () => {
    redirect('/a', '/b');
    redirect('/b', `${world.unlisted.origin}/c`);
    const shown: unknown[] = [];
    await connect({
      beforeRedirect: (options, response, request) => {
        shown.push([options.href, response.headers, request]);
        expectNoToken([options.headers, response, request], world.source);
        options.headers['x-hop'] = 'yes';
      },
    }).get('/a');
    expect(shown).toMatchObject([
      [`${world.listed.origin}/b`, { location: '/b' }, { method: 'GET', url: `${world.listed.origin}/a` }],
      [`${world.unlisted.origin}/c`, {}, { method: 'GET', headers: { 'x-hop': 'yes' } }],
    ]);
    expect(world.unlisted.seen('/c', 'x-hop')).toEqual(['yes']);
  });

  it('end when beforeRedirect throws', async () => {
    redirect('/a', '/b');
    const reason = new Error('not there');
    const error: AxiosError = await connect({
      beforeRedirect: () => {
        throw reason;
      },
    })
      .get('/a')
      .catch((e) => e);
    expect(error.message).toContain('not there');
    expect(world.listed.requests).toHaveLength(1);
    expectNoToken(error, world.source);
  });

  it('go with the header that beforeRedirect sets', async () => {
    redirect('/a', '/b');
    world.listed.on('/b', { status: 401 });
    const error: AxiosError = await connect({
      beforeRedirect: (options) => {
        options.headers.Authorization = 'Basic abc';
      },
    })
      .get('/a')
      .catch((e) => e);
    expect(error.response?.status).toBe(401);
    expect(seen('/b')).toEqual(['Basic abc']);
    expect(world.source.refused).toEqual([]);
  });

  it.each([307, 303])(
    'after which a form is refused are sent again with it if it was sent there (%i)',
    async (status) => {
      redirect('/a', '/b?to=x', status);
      world.listed.on('/b', ({ headers }) => ({ status: headers.authorization === world.source.value(1) ? 401 : 200 }));
      const form = new FormData();
      form.append('file', new Blob(['bytes']), 'bytes.bin');
      const response = await connect().post('/a', form, { params: { y: 2 }, headers: { 'x-kept': '1' } });
      expect(response.request.path).toBe('/b?to=x');
      const [, first, second] = world.listed.requests;
      expect(world.listed.requests.map(({ path }) => path)).toEqual(['/a', '/b', '/b']);
      expect(String(first?.body).includes('bytes.bin')).toBe(status === 307);
      expect(second).toMatchObject({ method: first?.method, bodyHash: first?.bodyHash });
      expect(second?.headers['x-kept']).toBe('1');
      expect(second?.headers['content-type']?.split(';')[0]).toBe(first?.headers['content-type']?.split(';')[0]);
      expect(response.config).toMatchObject({ url: '/a', method: 'post', params: { y: 2 } });
    },
  );

  it('after which the token is refused leave out what the program left out', async () => {
    redirect('/a', '/b');
    world.listed.on('/b', ({ headers }) => ({ status: headers.authorization === world.source.value(1) ? 401 : 200 }));
    await connect().get('/a', { headers: { 'User-Agent': null } });
    expect(world.listed.seen('/b', 'authorization')).toHaveLength(2);
    expect(world.listed.requests.map(({ headers }) => headers['user-agent'])).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('to a hop that refuses show the program its own configuration in the error', async () => {
    redirect('/a', '/b');
    world.listed.on('/b', { status: 401 });
    const error: AxiosError = await connect()
      .get('/a')
      .catch((e) => e);
    expect(error.response?.config).toBe(error.config);
    expect(error.config).toMatchObject({ url: '/a', baseURL: world.listed.origin });
    expect(error.config?.beforeRedirect).toBeUndefined();
  });
});
