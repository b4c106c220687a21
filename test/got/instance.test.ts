import got, { type Got, type Options } from 'got';
import { withToken } from 'projected-token/got';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { useHttpOrigins } from '../helpers/http-origins.js';
import { FixedTokenSource } from '../helpers/http-token-source.js';

const world = useHttpOrigins();
const seen = (path: string, header = 'authorization') => world.listed.seen(path, header);

/** An instance whose prefix URL is the listed server. */
const create = () => got.extend({ prefixUrl: world.listed.origin });
const connect = () => withToken(create(), world.source);

describe('The prefix URL of an instance', () => {
  it('is enough to say where the token may go', async () => {
    const client = withToken(got.extend({ prefixUrl: `${world.listed.origin}/v1` }), world.source);
    await client('secret', { searchParams: { list: true } });
    await client(`${world.unlisted.origin}/v1/secret`, { prefixUrl: '' });
    expect(seen('/v1/secret')).toEqual([world.source.value(1)]);
    expect(world.unlisted.seen('/v1/secret', 'authorization')).toEqual([undefined]);
  });

  it('of one request only does not make its origin a listed one', async () => {
    await connect()('a', { prefixUrl: world.unlisted.origin });
    expect(world.unlisted.seen('/a', 'authorization')).toEqual([undefined]);
  });

  it('counts beside the listed origins', async () => {
    const client = withToken(create(), world.source, { origins: [world.unlisted.origin] });
    await client('a');
    await client('a', { prefixUrl: world.unlisted.origin });
    expect(seen('/a')).toEqual([world.source.value(1)]);
    expect(world.unlisted.seen('/a', 'authorization')).toEqual([world.source.value(1)]);
  });

  it('must not send the token over the network in clear text, unless listed with "http:"', () => {
    const client = got.extend({ prefixUrl: 'http://vault.internal:8200' });
    expect(() => withToken(client, world.source)).toThrow(expect.objectContaining({ code: 'ERR_TOKEN_ORIGIN' }));
    expect(() => withToken(client, world.source, { origins: ['https://vault.internal:8200'] })).toThrow(
      expect.objectContaining({ code: 'ERR_TOKEN_ORIGIN' }),
    );
    withToken(client, world.source, { origins: ['http://vault.internal:8200'] });
  });

  it('that is listed with "http:" gets the token in clear text', async () => {
    const prefixUrl = `http://vault.internal:${new URL(world.listed.origin).port}`;
    const dnsLookup: Options['dnsLookup'] = ((_: string, ...rest: unknown[]) => {
      const [callback] = rest.slice(-1) as [(error: null, addresses: unknown) => void];
      callback(null, [{ address: '127.0.0.1', family: 4 }]);
    }) as never;
    const client = withToken(got.extend({ prefixUrl, dnsLookup }), world.source, { origins: [prefixUrl] });
    await client('a');
    expect(seen('/a')).toEqual([world.source.value(1)]);
  });

  it('is missed when no origin is listed either', () => {
    expect(() => withToken(got, world.source)).toThrow(
      expect.objectContaining({ code: 'ERR_TOKEN_OPTION', option: 'origins' }),
    );
  });
});

describe('The instance that was given', () => {
  it('sends no token, before and after', async () => {
    const given = create();
    withToken(given, world.source);
    await given('a');
    expect(seen('/a')).toEqual([undefined]);
    expect(given.defaults.options.hooks.beforeRequest).toEqual([]);
  });

  it('can carry tokens of several sources, one in each new instance', async () => {
    const vault = new FixedTokenSource({ header: 'X-Vault-Token' });
    world.listed.on('/both', { status: 307, headers: { location: '/to' } });
    world.listed.on('/to', ({ headers }) => ({ status: headers.authorization === world.source.value(2) ? 200 : 401 }));
    await withToken(create(), vault)('vault');
    await withToken(withToken(create(), vault), world.source)('both');
    expect(seen('/vault', 'x-vault-token')).toEqual([vault.value(1)]);
    expect(seen('/to')).toEqual([world.source.value(1), world.source.value(1), world.source.value(2)]);
    expect(seen('/to', 'x-vault-token')).toEqual([vault.value(1), vault.value(2), vault.value(2)]);
  });
});

describe('The new instance', () => {
  it('has the type of the given one, and all its members', () => {
    const given = got.extend({ prefixUrl: world.listed.origin, responseType: 'json', resolveBodyOnly: true });
    const client = withToken(given, world.source);
    expectTypeOf(client).toEqualTypeOf(given);
    expect(Object.keys(client)).toEqual(Object.keys(given));
  });

  it.each([
    ['client(url)', (client) => client('a')],
    ['get', (client) => client.get('a').text()],
    ['head', (client) => client.head('a')],
    ['delete', (client) => client.delete('a', { json: { reason: 'old' } })],
    ['post with form', (client) => client.post('a', { form: { a: 1 } }).buffer()],
    ['put', (client) => client.put('a', { body: 'text' })],
    ['patch with json', (client) => client.patch('a', { json: [1] }).json()],
    ['an instance that extends it', (client) => client.extend({ headers: { 'x-app': 'shop' } })('a')],
    ['an instance that is extended by it', (client) => got.extend({ headers: { 'x-app': 'shop' } }, client)('a')],
  ] satisfies [string, (client: Got) => Promise<unknown>][])(
    'carries the token, and sends a refused request again, by %s',
    async (_, send) => {
      world.listed.on('/a', ({ headers }) =>
        headers.authorization === world.source.value(2) ? { body: '{}' } : { status: 401 },
      );
      await send(connect());
      expect(seen('/a')).toEqual([world.source.value(1), world.source.value(2)]);
      const [first, second] = world.listed.requests;
      expect(second).toMatchObject({ method: first?.method, bodyHash: first?.bodyHash });
    },
  );

  it.each([
    ['a header', { headers: { Authorization: 'Basic abc' } }, 'Basic abc'],
    ['credentials', { username: 'u', password: 'p' }, 'Basic dTpw'],
  ])('leaves %s of the program alone', async (_, options, expected) => {
    world.listed.on('/a', { status: 401 });
    const { statusCode } = await connect()('a', { ...options, throwHttpErrors: false });
    expect(statusCode).toBe(401);
    expect(seen('/a')).toEqual([expected]);
    expect(world.source).toMatchObject({ reads: 0, refused: [] });
  });

  it('keeps mutable defaults mutable, its own', async () => {
    const given = got.extend({ prefixUrl: world.listed.origin, mutableDefaults: true });
    const client = withToken(given, world.source);
    client.defaults.options.headers['x-app'] = 'shop';
    await client('a');
    await given('b');
    expect(seen('/a', 'x-app')).toEqual(['shop']);
    expect(seen('/b', 'x-app')).toEqual([undefined]);
  });
});
