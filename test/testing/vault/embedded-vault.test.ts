import { BoundToken } from 'projected-token';
import { EmbeddedVault, type EmbeddedVaultOptions, type EmbeddedVaultRole } from 'projected-token/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createTestCluster, type TestCluster } from '../../helpers/federation.js';
import { type VaultAnswer, vaultCall, withVaultToken } from '../../helpers/vault-call.js';

const ROLE: EmbeddedVaultRole = { serviceAccounts: ['app'], namespaces: ['demo'], audience: 'vault', ttlSeconds: 600 };
const LOGIN = 'auth/kubernetes/login';

let cluster: TestCluster;
let vault: EmbeddedVault;

afterEach(async () => {
  vi.useRealTimers();
  await vault.close();
});

async function start(role: Partial<EmbeddedVaultRole> = {}, options: Partial<EmbeddedVaultOptions> = {}) {
  cluster = await createTestCluster();
  vault = await EmbeddedVault.start({
    trust: cluster,
    roles: { app: { ...ROLE, ...role } },
    secrets: { shop: { password: 'correct horse' }, till: {} },
    ...options,
  });
}

const call = (path: string, headers?: Record<string, string>, json?: unknown) => vaultCall(vault, path, headers, json);
const withToken = withVaultToken;

/** Logs in, and gives what Vault says of the token. */
async function logIn(expiresInSeconds = 3600): Promise<VaultAnswer['body']> {
  const jwt = await cluster.mint({ audience: 'vault', expiresInSeconds });
  const { status, body } = await call(LOGIN, {}, { role: 'app', jwt });
  expect(status).toBe(200);
  return body.auth;
}

/** What Vault says to a token that it does not know. */
const INVALID_TOKEN = { errors: ['2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n'] };
const DENIED = { errors: ['permission denied'] };
/** What it says to a token whose policies do not allow the request. */
const DENIED_BY_POLICY = { errors: ['1 error occurred:\n\t* permission denied\n\n'] };

describe('A login', () => {
  it('is answered with a token whose lease is in "auth", and not at the top level', async () => {
    await start();
    const jwt = await cluster.mint({ audience: ['other', 'vault'] });
    const { status, headers, body } = await call(LOGIN, {}, { role: 'app', jwt });
    expect([status, headers.get('Content-Type')]).toEqual([200, 'application/json']);
    expect(body).toMatchObject({ lease_id: '', renewable: false, lease_duration: 0, data: null, warnings: null });
    expect(body.auth).toMatchObject({
      client_token: expect.stringMatching(/^hvs\.\S{80,}$/),
      accessor: expect.stringMatching(/^\S{24}$/),
      policies: ['app', 'default'],
      token_policies: ['app', 'default'],
      lease_duration: 600,
      renewable: true,
      token_type: 'service',
      metadata: {
        role: 'app',
        service_account_name: 'app',
        service_account_namespace: 'demo',
        service_account_uid: expect.stringMatching(/^[\da-f-]{36}$/),
      },
    });
    expect(vault.logins).toEqual([{ fingerprint: BoundToken.parse(jwt).fingerprint, outcome: 'granted' }]);
  });

  it.each<[string, number, string, (good: string) => Promise<object> | object]>([
    ['has no role', 400, 'missing role', (jwt) => ({ jwt })],
    ['has no token', 400, 'missing jwt', () => ({ role: 'app' })],
    ['is no JSON object', 400, 'missing role', () => []],
    ['names a role that there is not', 400, 'invalid role name "shop"', (jwt) => ({ role: 'shop', jwt })],
    ['has what is no JWT', 403, 'permission denied', () => ({ role: 'app', jwt: 'hvs.abc' })],
    [
      'has a token for another audience',
      403,
      'invalid audience (aud) claim: audience claim does not match any expected audience',
      async () => ({ role: 'app', jwt: await cluster.mint({ audience: 'other' }) }),
    ],
    [
      'has a token that expired more than a minute ago',
      403,
      'invalid expiration time (exp) claim: token is expired',
      async () => ({ role: 'app', jwt: await cluster.mint({ audience: 'vault', expiresInSeconds: -62 }) }),
    ],
    [
      'has a token of another cluster',
      403,
      'permission denied',
      async () => ({ role: 'app', jwt: await (await createTestCluster()).mint({ audience: 'vault' }) }),
    ],
  ])('that %s is answered with %i', async (_what, status, error, request) => {
    await start();
    const good = await cluster.mint({ audience: 'vault' });
    expect(await call(LOGIN, {}, await request(good))).toMatchObject({ status, body: { errors: [error] } });
    expect(vault.logins).toMatchObject([{ outcome: String(status) }]);
    expect(vault.validTokens).toBe(0);
  });

  it.each([
    ['service account', { serviceAccounts: ['other'] }, 'service account name not authorized'],
    ['namespace', { namespaces: ['other'] }, 'namespace not authorized'],
  ])('of another %s than the role has is answered with 403', async (_what, role, error) => {
    await start(role);
    const jwt = await cluster.mint({ audience: 'vault' });
    expect(await call(LOGIN, {}, { role: 'app', jwt })).toMatchObject({ status: 403, body: { errors: [error] } });
  });

  it('is granted to every service account, namespace and audience by a role that has none of its own', async () => {
    await start({ serviceAccounts: ['*'], namespaces: ['*'], audience: undefined as never });
    const jwt = await cluster.mint({ audience: 'whatever' });
    expect((await call(LOGIN, {}, { role: 'app', jwt })).status).toBe(200);
  });

  it('is granted up to a minute past the expiry of the token', async () => {
    await start();
    expect(await logIn(-58)).toHaveProperty('renewable', true);
  });

  it('goes by the keys that the cluster has now', async () => {
    await start();
    const old = await cluster.mint({ audience: 'vault' });
    Object.assign(cluster, { jwks: (await createTestCluster()).jwks });
    expect(await call(LOGIN, {}, { role: 'app', jwt: old })).toMatchObject({ status: 403, body: DENIED });
  });

  it('needs the mount and the namespace', async () => {
    await start({}, { mount: 'k8s/prod', namespace: 'team' });
    const login = { role: 'app', jwt: await cluster.mint({ audience: 'vault' }) };
    const namespace = { 'X-Vault-Namespace': 'team/' };
    expect((await call('auth/k8s/prod/login', namespace, login)).status).toBe(200);
    expect(await call('auth/k8s/prod/login', {}, login)).toMatchObject({ status: 403, body: DENIED });
    expect(await call(LOGIN, namespace, login)).toMatchObject({ status: 403, body: DENIED });
  });
});

describe('A Vault token', () => {
  it('reads what its policies allow', async () => {
    await start({ readable: ['shop', 'gone'] });
    const token = withToken((await logIn()).client_token);
    const read = await call('secret/data/shop', token);
    expect(read).toMatchObject({ status: 200, body: { data: { data: { password: 'correct horse' } }, auth: null } });
    expect(read.body.data.metadata).toMatchObject({ version: 1, destroyed: false });
    expect(await call('secret/data/till', token)).toMatchObject({ status: 403, body: DENIED_BY_POLICY });
    expect(await call('secret/data/gone', token)).toMatchObject({ status: 404, body: { errors: [] } });
    expect(await call('sys/mounts', token)).toMatchObject({ status: 403, body: DENIED_BY_POLICY });
  });

  it('may come as a bearer, as OpenBao has it', async () => {
    await start();
    const { client_token } = await logIn();
    expect((await call('secret/data/shop', { Authorization: `Bearer ${client_token}` })).status).toBe(200);
  });

  it('is missed with 403, and not known with another 403', async () => {
    await start();
    expect(await call('secret/data/shop')).toMatchObject({ status: 403, body: DENIED });
    expect(await call('secret/data/shop', withToken('hvs.none'))).toMatchObject({ status: 403, body: INVALID_TOKEN });
    expect(await call('no/such/path', withToken('hvs.none'))).toMatchObject({ status: 403, body: INVALID_TOKEN });
  });

  it('works for as long as its lease', async () => {
    await start();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    const token = withToken((await logIn()).client_token);
    vi.setSystemTime(Date.now() + 599_000);
    expect(await call('auth/token/lookup-self', token)).toMatchObject({ status: 200, body: { data: { ttl: 1 } } });
    vi.setSystemTime(Date.now() + 1_000);
    expect(await call('auth/token/lookup-self', token)).toMatchObject({ status: 403, body: INVALID_TOKEN });
    expect(vault.validTokens).toBe(0);
  });

  it('lives on by renewals, up to its maximum TTL', async () => {
    await start({ maxTtlSeconds: 1300 });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    const { client_token } = await logIn();
    const leases: number[] = [];
    for (let renewal = 0; renewal < 3; renewal++) {
      vi.setSystemTime(Date.now() + 400_000);
      const { body } = await call('auth/token/renew-self', withToken(client_token), {});
      expect(body.auth).toMatchObject({ client_token, renewable: true });
      leases.push(body.auth.lease_duration);
    }
    expect(leases).toEqual([600, 500, 100]);
  });

  it('is known no more once it revoked itself', async () => {
    await start();
    const token = withToken((await logIn()).client_token);
    expect(await call('auth/token/revoke-self', token, {})).toMatchObject({ status: 204, body: undefined });
    expect(await call('auth/token/lookup-self', token)).toMatchObject({ status: 403, body: INVALID_TOKEN });
  });

  it('of the kind "batch" cannot be renewed or revoked', async () => {
    await start({ tokenType: 'batch' });
    const auth = await logIn();
    expect(auth).toMatchObject({ accessor: '', renewable: false, token_type: 'batch', lease_duration: 600 });
    const token = withToken(auth.client_token);
    for (const what of ['renew', 'revoke']) {
      const errors = [`batch tokens cannot be ${what === 'renew' ? 'renewed' : 'revoked'}`];
      expect(await call(`auth/token/${what}-self`, token, {})).toMatchObject({ status: 400, body: { errors } });
    }
    expect((await call('secret/data/shop', token)).status).toBe(200);
  });

  it('is known no more once all were revoked', async () => {
    await start();
    const token = withToken((await logIn()).client_token);
    vault.revokeTokens();
    expect(await call('secret/data/shop', token)).toMatchObject({ status: 403, body: INVALID_TOKEN });
  });
});

describe('A Vault', () => {
  const healthStatus = async () => (await call('sys/health')).status;

  it('that is sealed answers 503', async () => {
    await start();
    vault.isSealed = true;
    expect(await call(LOGIN, {}, {})).toMatchObject({ status: 503, body: { errors: ['Vault is sealed'] } });
    expect(await call('sys/health')).toMatchObject({ status: 503, body: { sealed: true } });
  });

  it('that is a standby answers 307 with the path on the active node, and 429 about its health', async () => {
    await start();
    expect(await healthStatus()).toBe(200);
    vault.standbyOf = 'https://active.test:8200';
    const { status, headers } = await call('secret/data/shop?version=1');
    expect(status).toBe(307);
    expect(headers.get('Location')).toBe('https://active.test:8200/v1/secret/data/shop?version=1');
    expect(await healthStatus()).toBe(429);
  });

  it('answers with faults: the next ones, or all', async () => {
    await start();
    vault.failNext({ status: 429, retryAfterSeconds: 7, errors: ['request path "x": rate limit quota exceeded'] });
    const tooMany = await call(LOGIN, {}, {});
    expect([tooMany.status, tooMany.headers.get('Retry-After')]).toEqual([429, '7']);
    expect(tooMany.body).toEqual({ errors: ['request path "x": rate limit quota exceeded'] });
    expect((await call(LOGIN, {}, {})).status).toBe(400);
    vault.outage = { status: 502 };
    expect(await call(LOGIN, {}, {})).toMatchObject({ status: 502, body: { errors: [] } });
    expect(await healthStatus()).toBe(502);
  });

  it('refuses connections once closed, and comes back at the same address with its tokens', async () => {
    await start();
    const { origin } = vault;
    const token = withToken((await logIn()).client_token);
    await vault.close();
    await expect(call('secret/data/shop', token)).rejects.toThrow('fetch failed');
    await vault.resume();
    expect(vault.origin).toBe(origin);
    expect((await call('secret/data/shop', token)).status).toBe(200);
  });

  it('keeps account of its requests without a token of anybody', async () => {
    await start();
    const { client_token } = await logIn();
    await call('secret/data/shop', withToken(client_token));
    expect(vault.requests).toEqual([
      { method: 'POST', path: `/v1/${LOGIN}`, status: 200 },
      { method: 'GET', path: '/v1/secret/data/shop', status: 200 },
    ]);
  });
});
