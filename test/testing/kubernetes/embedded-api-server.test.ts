import { request as httpsRequest } from 'node:https';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { EmbeddedApiServer, type EmbeddedApiServerOptions, type TokenRequestSpec } from 'projected-token/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';

const USER = 'system:serviceaccount:demo:caller';
const DAY_MS = 86_400_000;
let server: EmbeddedApiServer;
let caller: string;

afterEach(async () => {
  vi.useRealTimers();
  await server.close();
});

/** A server with the service accounts `demo/caller`, who asks, and `demo/app`, and the pod `app-1`. */
async function start(options: EmbeddedApiServerOptions = {}): Promise<{ podUid: string }> {
  server = await EmbeddedApiServer.start({ algorithm: 'ES256', ...options });
  server.addServiceAccount('demo', 'caller');
  server.addServiceAccount('demo', 'app');
  const pod = server.addPod({ namespace: 'demo', name: 'app-1', serviceAccount: 'app', node: 'worker-1' });
  caller = (await server.createToken('demo', 'caller')).token;
  return { podUid: pod.uid };
}

interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: bodies of many shapes
  body: any;
}

async function call(method: string, path: string, body?: unknown, token: string | undefined = caller): Promise<Answer> {
  const response = await fetch(server.origin + path, {
    method,
    headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

async function requestToken(spec: TokenRequestSpec, name = 'app'): Promise<Answer> {
  server.allow(USER, 'create', 'serviceaccounts/token', 'demo');
  return call('POST', `/api/v1/namespaces/demo/serviceaccounts/${name}/token`, { spec });
}

async function review(token: string, audiences?: string[]): Promise<Answer['body']['status']> {
  server.allow(USER, 'create', 'tokenreviews');
  const { status, body } = await call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
    spec: { token, audiences },
  });
  expect(status).toBe(201);
  return body.status;
}

describe('TokenRequest', () => {
  it('issues a token with the audiences, the lifetime and the pod that were asked for', async () => {
    const { podUid } = await start();
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'app-1', uid: podUid };
    const { status, body } = await requestToken({ audiences: ['vault'], expirationSeconds: 600, boundObjectRef });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      spec: { audiences: ['vault'], expirationSeconds: 600, boundObjectRef },
    });
    const claims = decodeJwt(body.status.token);
    expect(claims).toMatchObject({
      iss: server.issuer,
      sub: 'system:serviceaccount:demo:app',
      aud: ['vault'],
      'kubernetes.io': { namespace: 'demo', pod: { name: 'app-1', uid: podUid }, node: { name: 'worker-1' } },
    });
    expect(claims.exp! - claims.iat!).toBe(600);
    expect(Date.parse(body.status.expirationTimestamp)).toBe(claims.exp! * 1000);
  });

  it('takes the audiences of the API server and 3600 s when nothing is asked for', async () => {
    await start({ apiAudiences: ['https://kubernetes.default.svc', 'api'] });
    const { body } = await requestToken({});
    expect(body.spec).toMatchObject({ audiences: ['https://kubernetes.default.svc', 'api'], expirationSeconds: 3600 });
  });

  it('shortens what is longer than the maximum, with a warning', async () => {
    await start({ maxExpirationSeconds: 3600 });
    const { body, headers } = await requestToken({ audiences: ['vault'], expirationSeconds: 7200 });
    expect(body.spec.expirationSeconds).toBe(3600);
    expect(headers.get('Warning')).toBe('299 - "requested expiration of 7200 seconds shortened to 3600 seconds"');
  });

  it('extends a pod-bound token of 3607 s for the API server to a year, and reports the expiry that was asked for', async () => {
    await start();
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'app-1' };
    const { body } = await requestToken({ expirationSeconds: 3607, boundObjectRef });
    const claims = decodeJwt<{ 'kubernetes.io': { warnafter: number } }>(body.status.token);
    expect(claims.exp! - claims.iat!).toBe(365 * 24 * 3600);
    expect(claims['kubernetes.io'].warnafter - claims.iat!).toBe(3607);
    expect(Date.parse(body.status.expirationTimestamp)).toBe((claims.iat! + 3607) * 1000);
    const other = await requestToken({ expirationSeconds: 3607, boundObjectRef, audiences: ['vault'] });
    expect(decodeJwt(other.body.status.token)['kubernetes.io']).not.toHaveProperty('warnafter');
  });

  it.each([
    [599, 'may not specify a duration less than 10 minutes'],
    [2 ** 32 + 1, 'may not specify a duration larger than 2^32 seconds'],
  ])('refuses a lifetime of %i s with 422', async (expirationSeconds, why) => {
    await start();
    const { status, body } = await requestToken({ expirationSeconds });
    const message = `Invalid value: ${expirationSeconds}: ${why}`;
    expect(status).toBe(422);
    expect(body).toMatchObject({
      kind: 'Status',
      status: 'Failure',
      reason: 'Invalid',
      code: 422,
      message: `TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: ${message}`,
      details: { causes: [{ reason: 'FieldValueInvalid', message, field: 'spec.expirationSeconds' }] },
    });
  });

  it.each([600, 2 ** 32])('grants a lifetime of %i s', async (expirationSeconds) => {
    await start();
    expect((await requestToken({ expirationSeconds })).status).toBe(201);
  });

  it('answers 404, 400 and 409 for what cannot be bound, in the words of Kubernetes', async () => {
    await start();
    server.addPod({ namespace: 'demo', name: 'other-1', serviceAccount: 'other' });
    const bind = async (reference: object) => {
      const { status, body } = await requestToken({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', ...reference } });
      return [status, body.reason, body.message];
    };
    expect(await bind({ name: 'gone' })).toEqual([404, 'NotFound', 'pods "gone" not found']);
    expect(await bind({ name: 'other-1' })).toEqual([
      400,
      'BadRequest',
      'cannot bind token for serviceaccount "app" to pod running with different serviceaccount name.',
    ]);
    expect(await bind({ kind: 'Deployment', apiVersion: 'apps/v1', name: 'app' })).toEqual([
      400,
      'BadRequest',
      'cannot bind token to object of type apps/v1, Kind=Deployment',
    ]);
    expect(await bind({ name: 'app-1', uid: 'another' })).toEqual([
      409,
      'Conflict',
      'Operation cannot be fulfilled on Pod "app-1": the UID in the bound object reference (another) does not match the UID in record. The object might have been deleted and then recreated',
    ]);
    expect((await requestToken({}, 'nobody')).body.message).toBe('serviceaccounts "nobody" not found');
  });

  it('answers 403 with the missing verb and resource', async () => {
    await start();
    const { status, body } = await call('POST', '/api/v1/namespaces/demo/serviceaccounts/app/token', { spec: {} });
    expect(status).toBe(403);
    expect(body).toMatchObject({
      reason: 'Forbidden',
      message: `serviceaccounts "app" is forbidden: User "${USER}" cannot create resource "serviceaccounts/token" in API group "" in the namespace "demo"`,
    });
  });
});

describe('TokenReview', () => {
  it('says who a token belongs to, and which of the audiences it has', async () => {
    const { podUid } = await start();
    const { token } = await server.createToken('demo', 'app', {
      audiences: ['vault', 'billing'],
      boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'app-1' },
    });
    expect(await review(token, ['billing', 'mail'])).toMatchObject({
      authenticated: true,
      audiences: ['billing'],
      user: {
        username: 'system:serviceaccount:demo:app',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:demo', 'system:authenticated'],
        extra: {
          'authentication.kubernetes.io/pod-name': ['app-1'],
          'authentication.kubernetes.io/pod-uid': [podUid],
          'authentication.kubernetes.io/node-name': ['worker-1'],
        },
      },
    });
  });

  it('asks for the audience of the API server when none is given', async () => {
    await start();
    expect(await review(caller)).toMatchObject({ authenticated: true, audiences: [server.issuer] });
    const { token } = await server.createToken('demo', 'app', { audiences: ['vault'] });
    expect(await review(token)).toEqual({
      user: {},
      error: `[invalid bearer token, token audiences ["vault"] is invalid for the target audiences ["${server.issuer}"]]`,
    });
  });

  it('finds a token invalid once its pod is gone, and 60 s after the pod began to terminate', async () => {
    await start();
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'app-1' };
    const { token } = await server.createToken('demo', 'app', { audiences: ['vault'], boundObjectRef });
    vi.useFakeTimers({ toFake: ['Date'] });
    server.deletePod('demo', 'app-1', { terminating: true });
    vi.advanceTimersByTime(59_000);
    expect(await review(token, ['vault'])).toHaveProperty('authenticated', true);
    vi.advanceTimersByTime(2_000);
    const invalidated = '[invalid bearer token, service account token has been invalidated]';
    expect(await review(token, ['vault'])).toEqual({ user: {}, error: invalidated });
    server.deletePod('demo', 'app-1');
    expect(await review(token, ['vault'])).toEqual({ user: {}, error: invalidated });
  });

  it('finds a token invalid once its service account or pod was made anew', async () => {
    await start();
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'app-1' };
    const { token } = await server.createToken('demo', 'app', { audiences: ['vault'], boundObjectRef });
    server.addPod({ namespace: 'demo', name: 'app-1', serviceAccount: 'app' });
    expect((await review(token, ['vault'])).error).toMatch(
      /pod UID \(.+\) does not match service account pod ref claim/,
    );
    server.addServiceAccount('demo', 'app');
    expect((await review(token, ['vault'])).error).toMatch(/service account UID \(.+\) does not match claim/);
  });

  it('accepts a token up to 60 s past its expiry', async () => {
    await start();
    vi.useFakeTimers({ toFake: ['Date'] });
    const { token } = await server.createToken('demo', 'app', { audiences: ['vault'], expirationSeconds: 600 });
    vi.advanceTimersByTime(659_000);
    expect(await review(token, ['vault'])).toHaveProperty('authenticated', true);
    vi.advanceTimersByTime(3_000);
    expect(await review(token, ['vault'])).toEqual({
      user: {},
      error: '[invalid bearer token, service account token has expired]',
    });
  });

  it('says no more than that a token is invalid when it is not of its issuer, or no JWT', async () => {
    await start();
    expect(await review('hvs.abc', ['vault'])).toEqual({ user: {}, error: 'invalid bearer token' });
  });

  it('needs the permission to create tokenreviews, and a token', async () => {
    await start();
    const path = '/apis/authentication.k8s.io/v1/tokenreviews';
    const { status, body } = await call('POST', path, { spec: { token: caller } });
    expect([status, body.message]).toEqual([
      403,
      `tokenreviews.authentication.k8s.io is forbidden: User "${USER}" cannot create resource "tokenreviews" in API group "authentication.k8s.io" at the cluster scope`,
    ]);
    server.allow('system:serviceaccounts', 'create', 'tokenreviews');
    expect((await call('POST', path, { spec: {} })).status).toBe(400);
  });
});

describe('OpenID documents', () => {
  it('give the issuer and its keys to service accounts, to be kept for an hour', async () => {
    await start();
    const discovery = await call('GET', '/.well-known/openid-configuration');
    expect(discovery.body).toEqual({
      issuer: server.issuer,
      jwks_uri: `${server.origin}/openid/v1/jwks`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    });
    expect(discovery.headers.get('Content-Type')).toBe('application/json');
    const keys = await call('GET', '/openid/v1/jwks');
    expect(keys.headers.get('Content-Type')).toBe('application/jwk-set+json');
    expect(keys.headers.get('Cache-Control')).toBe('public, max-age=3600');
    expect(keys.body.keys).toEqual([expect.objectContaining({ kid: decodeProtectedHeader(caller).kid, use: 'sig' })]);
  });

  it('are for service accounts only, unless anonymous discovery is allowed', async () => {
    await start();
    const { status, body } = await call('GET', '/openid/v1/jwks', undefined, '');
    expect([status, body.message]).toEqual([
      403,
      'forbidden: User "system:anonymous" cannot get path "/openid/v1/jwks"',
    ]);
    await server.close();
    await start({ anonymousDiscovery: true });
    expect((await call('GET', '/openid/v1/jwks', undefined, '')).status).toBe(200);
  });

  it('publish the new key beside the old one after a rotation, and alone when the old one is forgotten', async () => {
    await start();
    await server.rotateKey();
    expect((await call('GET', '/openid/v1/jwks')).body.keys).toHaveLength(2);
    const { token } = await server.createToken('demo', 'caller');
    await server.rotateKey({ forgetOld: true });
    expect((await call('GET', '/openid/v1/jwks', undefined, token)).status).toBe(401);
    const fresh = (await server.createToken('demo', 'caller')).token;
    expect((await call('GET', '/openid/v1/jwks', undefined, fresh)).body.keys).toHaveLength(1);
  });
});

describe('List of pods', () => {
  it('is for an authenticated and authorized service account', async () => {
    await start();
    const path = '/api/v1/namespaces/demo/pods';
    expect((await call('GET', path)).status).toBe(403);
    server.allow('system:serviceaccounts:demo', 'list', 'pods', 'demo');
    const { body } = await call('GET', path);
    expect(body).toMatchObject({ kind: 'PodList', items: [{ metadata: { name: 'app-1' } }] });
    const wrongAudience = (await server.createToken('demo', 'caller', { audiences: ['vault'] })).token;
    expect((await call('GET', path, undefined, wrongAudience)).body).toMatchObject({
      code: 401,
      reason: 'Unauthorized',
    });
    server.revokeGrants();
    expect((await call('GET', path)).status).toBe(403);
  });
});

describe('Server', () => {
  it('answers with faults: the next ones, or all', async () => {
    await start();
    server.failNext({ status: 429, retryAfterSeconds: 7 }, { status: 500 });
    const tooMany = await call('GET', '/openid/v1/jwks');
    expect([tooMany.status, tooMany.headers.get('Retry-After')]).toEqual([429, '7']);
    expect((await call('GET', '/openid/v1/jwks')).status).toBe(500);
    expect((await call('GET', '/openid/v1/jwks')).status).toBe(200);
    server.outage = { status: 503 };
    expect((await call('GET', '/openid/v1/jwks')).status).toBe(503);
    expect(server.requests.map(({ status }) => status)).toEqual([429, 500, 200, 503]);
  });

  it('refuses connections while it is closed, and is back at the same address', async () => {
    await start();
    await server.close();
    await expect(fetch(server.origin)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    await server.resume();
    expect((await call('GET', '/openid/v1/jwks')).status).toBe(200);
  });

  it('speaks HTTPS with a certificate of its own', async () => {
    await start({ tls: true, anonymousDiscovery: true });
    const status = await new Promise((resolve, reject) => {
      httpsRequest(`${server.origin}/openid/v1/jwks`, { ca: server.ca }, (response) => {
        resolve(response.resume().statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(200);
    await expect(fetch(server.origin)).rejects.toThrow();
  });

  it('refuses an expired token', async () => {
    await start();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + DAY_MS });
    expect((await call('GET', '/openid/v1/jwks')).status).toBe(401);
  });
});
