import { OAuthTokenProvider, type OAuthTokenProviderOptions } from 'projected-token/oauth';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeClock, realClock, START } from '../helpers/fake-clock.js';
import { createTestCluster, expectNoToken, rejectionOf, SettableSource } from '../helpers/federation.js';
import { type Answer, HttpOrigin } from '../helpers/http-origin.js';

const METADATA = '/.well-known/openid-configuration';
const OAUTH_METADATA = '/.well-known/oauth-authorization-server';
const TOKEN = { access_token: 'access-1', token_type: 'Bearer', expires_in: 600 };

const cluster = await createTestCluster();
let server: HttpOrigin;
let source: SettableSource;
let provider: OAuthTokenProvider | undefined;

beforeEach(async () => {
  // Half of each random number: a token is replaced at 80 % of its life exactly.
  fakeClock(0.5);
  server = await HttpOrigin.start();
  source = new SettableSource(await cluster.mint({ audience: 'sts' }));
  server.on(METADATA, () => json({ issuer: server.origin, token_endpoint: `${server.origin}/token` }));
  server.on('/token', json(TOKEN));
});
afterEach(async () => {
  await provider?.close();
  provider = undefined;
  await server.close();
  realClock();
});

const json = (body: unknown, status = 200): Answer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

async function open(options: Partial<OAuthTokenProviderOptions> = {}): Promise<OAuthTokenProvider> {
  const required = { issuer: server.origin, source, grant: 'client-credentials', readyTimeoutMs: 0 } as const;
  provider = await OAuthTokenProvider.open({ ...required, ...options });
  return provider;
}

/** Seconds from now until a token is replaced, and until it is not handed out any more. */
async function timesOf(options?: Partial<OAuthTokenProviderOptions>): Promise<[number, number]> {
  const { refreshAt, expiresAt } = (await open(options)).status.token!;
  return [(refreshAt.getTime() - START) / 1000, (expiresAt.getTime() - START) / 1000];
}

const jwtFor = (seconds: number) =>
  `e30.${Buffer.from(JSON.stringify({ exp: START / 1000 + seconds })).toString('base64url')}.c2ln`;

describe('The life of a token', () => {
  it.each<[string, object, [number, number]]>([
    ['is what the server says', {}, [480, 590]],
    ['is what the server says, as a text', { expires_in: '600' }, [480, 590]],
    ['has a smaller margin where it is short', { expires_in: 50 }, [40, 45]],
    [
      'is what the token says, where the server says nothing',
      { expires_in: undefined, access_token: jwtFor(1000) },
      [800, 990],
    ],
    ['is five minutes, where neither says anything', { expires_in: undefined }, [240, 290]],
    [
      'is five minutes, where the token is a JWT that says nothing',
      { expires_in: undefined, access_token: 'e30.e30.' },
      [240, 290],
    ],
    ['is ten years at most', { expires_in: 1e15 }, [252_288_000, 315_359_990]],
  ])('%s', async (_, answer, times) => {
    server.on('/token', json({ ...TOKEN, ...answer }));
    expect(await timesOf()).toEqual(times);
  });

  it('is what the option says, where neither says anything', async () => {
    server.on('/token', json({ ...TOKEN, expires_in: undefined }));
    expect(await timesOf({ defaultLifetimeSeconds: 100 })).toEqual([80, 90]);
  });

  it('is too short where it is nothing', async () => {
    server.on('/token', json({ ...TOKEN, expires_in: 0 }));
    expect(await rejectionOf(open())).toMatchObject({
      code: 'ERR_EXCHANGE_UNAVAILABLE',
      message: expect.stringContaining('lifetime of 0 s'),
    });
  });
});

describe('The metadata', () => {
  it('are those of OAuth 2.0 where there are none of OpenID Connect', async () => {
    server.on(METADATA, { status: 404 });
    server.on(OAUTH_METADATA, () => json({ issuer: server.origin, token_endpoint: `${server.origin}/token` }));
    expect(await (await open()).getToken()).toBe('access-1');
  });

  it('are read once, and again after a request that failed', async () => {
    await open();
    await provider!.replaceToken('access-1');
    const reads = () => server.requests.filter(({ path }) => path === METADATA).length;
    expect(reads()).toBe(1);
    server.on('/token', { status: 503 });
    await provider!.replaceToken('access-1');
    // The server has moved.
    server.on(METADATA, () => json({ issuer: server.origin, token_endpoint: `${server.origin}/new` }));
    server.on('/new', json({ ...TOKEN, access_token: 'access-2' }));
    await provider!.close();
    expect(await (await open()).getToken()).toBe('access-2');
    expect(reads()).toBe(2);
  });

  it.each<[string, () => Answer, RegExp]>([
    [
      'of another issuer',
      () => json({ issuer: 'https://other.test', token_endpoint: 'https://other.test/t' }),
      /name the issuer "https:\/\/other\.test", not "http:.*set the option "issuer" to "https:\/\/other\.test"/,
    ],
    [
      'without a token endpoint',
      () => json({ issuer: server.origin }),
      /is not metadata of an authorization server \(there is no "token_endpoint" among them\)/,
    ],
    [
      'that are no JSON',
      () => ({ headers: { 'content-type': 'text/html' }, body: '<html>' }),
      /is not metadata of an authorization server .*Check the option "issuer"/,
    ],
    [
      'that are missing',
      () => ({ status: 404 }),
      /openid-configuration is status 404\. Check the option "issuer", or set "tokenEndpoint"/,
    ],
  ])('%s are an error that says so', async (_, answer, message) => {
    server.on(METADATA, answer);
    server.on(OAUTH_METADATA, { status: 404 });
    const error = await rejectionOf(open({ readyTimeoutMs: 30_000 }));
    expect(error).toMatchObject({ code: 'ERR_EXCHANGE_INVALID', message: expect.stringMatching(message) });
  });

  it('that cannot be read now are tried again later', async () => {
    server.on(METADATA, { status: 503, headers: { 'retry-after': '7' } });
    expect(await rejectionOf(open())).toMatchObject({
      code: 'ERR_EXCHANGE_UNAVAILABLE',
      status: 503,
      retryAfterMs: 7000,
    });
  });

  it('that name an endpoint in clear text get no token', async () => {
    server.on(METADATA, () => json({ issuer: server.origin, token_endpoint: 'http://sts.example.test/token' }));
    const error = await rejectionOf(open());
    expect(error).toMatchObject({
      code: 'ERR_TOKEN_ORIGIN',
      message: expect.stringContaining('http://sts.example.test'),
    });
    expect(server.requests.map(({ path }) => path)).toEqual([METADATA]);
  });
});

describe('An answer', () => {
  it('with a token of no type that OAuth knows is taken, as after a token exchange', async () => {
    server.on('/token', json({ ...TOKEN, token_type: 'N_A' }));
    expect(await (await open({ grant: 'token-exchange' })).getToken()).toBe('access-1');
  });

  it.each<[string, Answer, string, RegExp]>([
    [
      'with a token that is bound to a key',
      json({ ...TOKEN, token_type: 'DPoP' }),
      'ERR_EXCHANGE_INVALID',
      /bound to a key \(token_type DPoP\)/,
    ],
    [
      'with a token of a type that nobody knows',
      json({ ...TOKEN, token_type: 'mac' }),
      'ERR_EXCHANGE_INVALID',
      /holds no token \(unsupported `token_type` value\)/,
    ],
    ['without a token', json({ token_type: 'Bearer' }), 'ERR_EXCHANGE_INVALID', /holds no token \(.*access_token/],
    [
      'of a web page',
      { headers: { 'content-type': 'text/html' }, body: '<html>' },
      'ERR_EXCHANGE_INVALID',
      /holds no token .*Check that the option "issuer" or "tokenEndpoint"/,
    ],
    ['that there is nothing', { status: 404 }, 'ERR_EXCHANGE_INVALID', /answers 404 without an OAuth 2\.0 error code/],
    [
      'of a proxy that wants a login',
      { status: 403, body: 'no' },
      'ERR_EXCHANGE_DENIED',
      /answers 403 without an OAuth/,
    ],
    [
      'that redirects',
      { status: 302, headers: { location: 'https://else.test/' } },
      'ERR_EXCHANGE_INVALID',
      /answers 302/,
    ],
    ['that there are too many requests', { status: 429 }, 'ERR_EXCHANGE_UNAVAILABLE', /answers 429 .*will be retried/],
    ['of a fault', { status: 500, body: 'oops' }, 'ERR_EXCHANGE_UNAVAILABLE', /answers 500/],
    [
      'that it cannot now, in the words of OAuth',
      json({ error: 'temporarily_unavailable' }, 400),
      'ERR_EXCHANGE_UNAVAILABLE',
      /answers 400 temporarily_unavailable/,
    ],
    [
      'that breaks off',
      'break',
      'ERR_EXCHANGE_UNAVAILABLE',
      /Cannot reach the authorization server at http:.*the connection was closed/,
    ],
  ])('%s is an error that says so', async (_, answer, code, message) => {
    server.on('/token', answer);
    const error = await rejectionOf(open());
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expectNoToken(error, source.current);
  });
});

describe('A function that authenticates the client', () => {
  it('and fails is named, and what it threw is not shown', async () => {
    const clientAuthentication = () => {
      throw new Error('secret s3cret');
    };
    const error = await rejectionOf(open({ grant: 'jwt-bearer', clientId: 'a', clientAuthentication }));
    expect(error).toMatchObject({
      code: 'ERR_EXCHANGE_INVALID',
      message: expect.stringContaining('"clientAuthentication" threw an error'),
    });
    expect(error.cause).toBeUndefined();
  });
});
