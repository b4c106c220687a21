import axios, { type AxiosError } from 'axios';
import { withToken } from 'projected-token/axios';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { useHttpOrigins } from '../helpers/http-origins.js';
import { FixedTokenSource } from '../helpers/http-token-source.js';

const world = useHttpOrigins();
const seen = (path: string, header = 'authorization') => world.listed.seen(path, header);

/** An instance whose base URL is the listed server. */
const create = () => axios.create({ baseURL: world.listed.origin });
const connect = () => withToken(create(), world.source);

describe('The base URL of an instance', () => {
  it('is enough to say where the token may go', async () => {
    const client = withToken(axios.create({ baseURL: `${world.listed.origin}/v1/` }), world.source);
    await client.get('secret', { params: { list: true } });
    await client.get(`${world.unlisted.origin}/v1/secret`);
    expect(seen('/v1/secret')).toEqual([world.source.value(1)]);
    expect(world.unlisted.seen('/v1/secret', 'authorization')).toEqual([undefined]);
  });

  it('counts beside the listed origins', async () => {
    const client = withToken(create(), world.source, { origins: [world.unlisted.origin] });
    await client.get('/a');
    await client.get(`${world.unlisted.origin}/a`);
    expect(seen('/a')).toEqual([world.source.value(1)]);
    expect(world.unlisted.seen('/a', 'authorization')).toEqual([world.source.value(1)]);
  });

  it('of one request only does not make its origin a listed one', async () => {
    await connect().get('/a', { baseURL: world.unlisted.origin });
    expect(world.unlisted.seen('/a', 'authorization')).toEqual([undefined]);
  });

  it('must not send the token over the network in clear text, unless listed with "http:"', () => {
    const client = axios.create({ baseURL: 'http://vault.internal:8200' });
    expect(() => withToken(client, world.source)).toThrow(expect.objectContaining({ code: 'ERR_TOKEN_ORIGIN' }));
    expect(() => withToken(client, world.source, { origins: ['https://vault.internal:8200'] })).toThrow(
      expect.objectContaining({ code: 'ERR_TOKEN_ORIGIN' }),
    );
    withToken(client, world.source, { origins: ['http://vault.internal:8200'] });
  });

  it('that is listed with "http:" gets the token in clear text', async () => {
    const lookup = async () => '127.0.0.1';
    const { port } = new URL(world.listed.origin);
    const origin = `http://vault.internal:${port}`;
    const client = withToken(axios.create({ baseURL: origin, lookup }), world.source, { origins: [origin] });
    await client.get('/a');
    expect(seen('/a')).toEqual([world.source.value(1)]);
  });

  it('is missed when no origin is listed either', () => {
    expect(() => withToken(axios.create(), world.source)).toThrow(
      expect.objectContaining({ code: 'ERR_TOKEN_OPTION', option: 'origins' }),
    );
  });
});

describe('The instance that was given', () => {
  it('sends no token, before and after', async () => {
    const given = create();
    withToken(given, world.source);
    await given.get('/a');
    expect(seen('/a')).toEqual([undefined]);
    expect(world.source.reads).toBe(0);
  });

  it('and the new one do not share their defaults, which start the same', async () => {
    const given = axios.create({ baseURL: world.listed.origin, headers: { 'x-app': 'shop' }, timeout: 7000 });
    given.defaults.headers.common['x-team'] = 'checkout';
    const client = withToken(given, world.source);
    expect(client.defaults).toMatchObject({ baseURL: world.listed.origin, timeout: 7000 });
    client.defaults.headers.common['x-late'] = 'client';
    given.defaults.headers.common['x-late'] = 'given';
    await client.get('/a');
    expect(world.listed.requests[0]?.headers).toMatchObject({
      'x-app': 'shop',
      'x-team': 'checkout',
      'x-late': 'client',
    });
  });

  it('can carry tokens of several sources, one in each new instance', async () => {
    const given = create();
    const vault = new FixedTokenSource({ header: 'X-Vault-Token' });
    await withToken(given, vault).get('/vault');
    await withToken(given, world.source).get('/bearer');
    await withToken(withToken(given, vault), world.source).get('/both');
    expect(seen('/vault', 'x-vault-token')).toEqual([vault.value(1)]);
    expect(seen('/bearer', 'x-vault-token')).toEqual([undefined]);
    expect(seen('/both', 'x-vault-token')).toEqual([vault.value(1)]);
    expect(seen('/both')).toEqual([world.source.value(1)]);
  });
});

describe('The new instance', () => {
  it('has the type of the given one', () => {
    expectTypeOf(withToken<typeof axios>).returns.toEqualTypeOf<typeof axios>();
    expectTypeOf(connect()).toEqualTypeOf<ReturnType<typeof axios.create>>();
  });

  it('of axios itself has all that axios has', () => {
    const client = withToken(axios, world.source, { origins: [world.listed.origin] });
    expect(Object.keys(client).sort()).toEqual(Object.keys(axios).sort());
    expect(client.AxiosError).toBe(axios.AxiosError);
    expect(client.isAxiosError(new client.AxiosError())).toBe(true);
  });

  it.each([
    ['client(url)', (client, url) => client(url)],
    ['client(url, config)', (client, url) => client(url, { method: 'delete' })],
    ['client(config)', (client, url) => client({ url, method: 'options' })],
    ['request', (client, url) => client.request({ url })],
    ['get', (client, url) => client.get(url)],
    ['head', (client, url) => client.head(url)],
    ['delete', (client, url) => client.delete(url, { data: { reason: 'old' } })],
    ['post', (client, url) => client.post(url, { a: 1 })],
    ['put', (client, url) => client.put(url, 'text')],
    ['patch', (client, url) => client.patch(url, [1])],
    ['postForm', (client, url) => client.postForm(url, { a: '1', file: Buffer.from('bytes') })],
    ['putForm with a web FormData', (client, url) => client.putForm(url, new FormData())],
  ] satisfies [string, (client: ReturnType<typeof connect>, url: string) => Promise<unknown>][])(
    'carries the token, and sends a refused request again, by %s',
    async (_, send) => {
      world.listed.on('/a', ({ headers }) => ({ status: headers.authorization === world.source.value(2) ? 200 : 401 }));
      await send(connect(), '/a');
      expect(seen('/a')).toEqual([world.source.value(1), world.source.value(2)]);
      const [first, second] = world.listed.requests;
      expect(second).toMatchObject({ method: first?.method, bodyHash: first?.bodyHash });
    },
  );

  it('makes instances of its own without the token, as axios hands on no interceptors', async () => {
    await connect().create().get('/a');
    expect(seen('/a')).toEqual([undefined]);
  });

  it.each([
    ['another one', { headers: { authorization: 'Basic abc' } }, 'Basic abc'],
    ['none', { headers: { Authorization: null } }, undefined],
    ['basic authentication', { auth: { username: 'u', password: 'p' } }, 'Basic dTpw'],
  ])('lets a single request have %s instead', async (_, config, expected) => {
    world.listed.on('/a', { status: 401 });
    const error: AxiosError = await connect()
      .get('/a', config)
      .catch((e) => e);
    expect(error.response?.status).toBe(401);
    expect(seen('/a')).toEqual([expected]);
    expect(world.source).toMatchObject({ reads: 0, refused: [] });
  });

  it('takes credentials in a URL for basic authentication', async () => {
    await connect().get(world.listed.origin.replace('//', '//u:p@').concat('/a'));
    expect(seen('/a')).toEqual(['Basic dTpw']);
  });

  it('carries a token of its own header beside basic authentication', async () => {
    const vault = new FixedTokenSource({ header: 'X-Vault-Token' });
    world.listed.on('/a', { status: 307, headers: { location: `${world.listed.origin}/b` } });
    world.listed.on('/b', ({ headers }) => ({ status: headers['x-vault-token'] === vault.value(2) ? 200 : 401 }));
    await withToken(create(), vault).get('/a', { auth: { username: 'u', password: 'p:q' } });
    expect(seen('/b', 'x-vault-token')).toEqual([vault.value(1), vault.value(2)]);
    expect(seen('/b')).toEqual(Array(2).fill('Basic dTpwOnE='));
  });

  it('leaves a header of the defaults alone', async () => {
    const client = create();
    client.defaults.headers.common.Authorization = 'Basic abc';
    await withToken(client, world.source).get('/a');
    expect(seen('/a')).toEqual(['Basic abc']);
  });
});
