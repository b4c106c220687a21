import { request as httpsRequest } from 'node:https';
import { decodeProtectedHeader } from 'jose';
import { describe, expect, it, vi } from 'vitest';
import { startDemoServer } from '../../helpers/demo-server.js';

const DAY_MS = 86_400_000;

describe('OpenID documents', () => {
  it('give the issuer and its keys to service accounts, to be kept for an hour', async () => {
    const { server, caller, call } = await startDemoServer();
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
    const strict = await startDemoServer();
    const { status, body } = await strict.call('GET', '/openid/v1/jwks', undefined, '');
    expect([status, body.message]).toEqual([
      403,
      'forbidden: User "system:anonymous" cannot get path "/openid/v1/jwks"',
    ]);
    const open = await startDemoServer({ anonymousDiscovery: true });
    expect((await open.call('GET', '/openid/v1/jwks', undefined, '')).status).toBe(200);
  });

  it('publish the new key beside the old one after a rotation, and alone when the old one is forgotten', async () => {
    const { server, call } = await startDemoServer();
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
    const { server, call } = await startDemoServer();
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
    const { server, call } = await startDemoServer();
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
    const { server, call } = await startDemoServer();
    await server.close();
    await expect(fetch(server.origin)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    await server.resume();
    expect((await call('GET', '/openid/v1/jwks')).status).toBe(200);
  });

  it('speaks HTTPS with a certificate of its own', async () => {
    const { server } = await startDemoServer({ tls: true, anonymousDiscovery: true });
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
    const { call } = await startDemoServer();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + DAY_MS });
    expect((await call('GET', '/openid/v1/jwks')).status).toBe(401);
  });
});
