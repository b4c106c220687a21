import { TokenExchangeError } from 'projected-token';
import type { EmbeddedVaultOptions, EmbeddedVaultRole } from 'projected-token/testing';
import type { VaultTokenProviderOptions } from 'projected-token/vault';
import { afterEach, describe, expect, it } from 'vitest';
import { createTestCluster, expectNoToken, rejectionOf } from '../helpers/federation.js';
import { ok, RawServer } from '../helpers/raw-server.js';
import { recordEvents, VaultScene } from '../helpers/vault-scene.js';

let scene: VaultScene;

afterEach(() => scene.close());

/** What `open` fails with, as a readiness probe and a log see it. */
async function failure(options: Partial<VaultTokenProviderOptions> = {}) {
  const provider = scene.provider({ readyTimeoutMs: 0, ...options });
  const told = recordEvents(provider);
  const error = await rejectionOf(provider.start());
  expect(error).toBeInstanceOf(TokenExchangeError);
  expect(told).toEqual({ names: ['error', 'closed'], payloads: [error, undefined] });
  expectNoToken(error, scene.source.current);
  expect(provider.status).toMatchObject({
    state: 'closed',
    token: undefined,
    lastError: { code: error.code, message: error.message },
    nextAttemptAt: undefined,
    counts: { logins: 0, renewals: 0, failures: 1 },
  });
  return error;
}

const CHECK_403 = [
  'bound_service_account_names',
  'bound_service_account_namespaces',
  'audience',
  '"mount"',
  '"namespace"',
  "this cluster's API server",
  'system:auth-delegator',
];

interface Refusal {
  readonly role?: Partial<EmbeddedVaultRole>;
  readonly vault?: Partial<EmbeddedVaultOptions>;
  /** Whether Vault knows the keys of another cluster than the token's. */
  readonly isOtherCluster?: boolean;
  /** What Vault says. */
  readonly says: string;
}

describe('A login that Vault refuses with 403', () => {
  it.each<[string, Refusal]>([
    ['for another audience', { role: { audience: 'other' }, says: 'invalid audience (aud) claim' }],
    [
      'for a service account that the role does not have',
      { role: { serviceAccounts: ['other'] }, says: 'service account name not authorized' },
    ],
    [
      'for a namespace that the role does not have',
      { role: { namespaces: ['other'] }, says: 'namespace not authorized' },
    ],
    ['at another mount', { vault: { mount: 'k8s' }, says: 'permission denied' }],
    ['in another namespace', { vault: { namespace: 'team' }, says: 'permission denied' }],
    ['as the mount knows another cluster', { isOtherCluster: true, says: 'permission denied' }],
  ])('%s says who asked for what, and what to check', async (_why, { role, vault, isOtherCluster, says }) => {
    const trust = isOtherCluster ? { trust: await createTestCluster() } : {};
    scene = await VaultScene.start(role, { ...vault, ...trust });
    const error = await failure();
    expect(error).toMatchObject({ code: 'ERR_EXCHANGE_DENIED', status: 403, name: 'TokenExchangeError' });
    expect(error.message).toContain('the role "app" of auth/kubernetes: 403 (');
    expect(error.message).toContain(says);
    expect(error.message).toContain('is of system:serviceaccount:demo:app for "vault"');
    for (const check of CHECK_403) expect(error.message).toContain(check);
    expect(scene.vault.requests).toHaveLength(1);
    expect(scene.source.refused).toEqual([scene.source.current]);
  });

  it('names the namespace of Vault that was asked for', async () => {
    scene = await VaultScene.start();
    const { message } = await failure({ namespace: 'team/shop', mount: 'k8s' });
    expect(message).toContain('the role "app" of auth/k8s in the namespace "team/shop"');
  });

  it('says so when the source gives what is no service account token', async () => {
    scene = await VaultScene.start();
    scene.source.current = 'aaaaaaaa.bbbbbbbb.cccccccc';
    expect((await failure()).message).toContain('The token is not a JWT.');
  });
});

describe('A login that Vault refuses without a reason', () => {
  it('is tried again while there is time for it: the API server, or what the mount knows, may only be late', async () => {
    scene = await VaultScene.start();
    scene.vault.failNext(
      { status: 403, errors: ['permission denied'] },
      { status: 403, errors: ['permission denied'] },
    );
    const provider = await scene.open({ readyTimeoutMs: 30_000 });
    expect(scene.requests).toEqual(['login 403', 'login 403', 'login 200']);
    expect(provider.status).toMatchObject({ state: 'ready', lastError: undefined });
  });

  it('is told when there is no more time', async () => {
    scene = await VaultScene.start();
    scene.vault.outage = { status: 403, errors: ['permission denied'] };
    const error = await rejectionOf(scene.open({ readyTimeoutMs: 300 }));
    expect(error).toMatchObject({ code: 'ERR_EXCHANGE_DENIED', isRetryable: true });
  });

  it('is not tried again when Vault gives a reason', async () => {
    scene = await VaultScene.start({ serviceAccounts: ['other'] });
    const error = await rejectionOf(scene.open({ readyTimeoutMs: 30_000 }));
    expect(error).toMatchObject({ code: 'ERR_EXCHANGE_DENIED', isRetryable: false });
    expect(scene.requests).toEqual(['login 403']);
  });
});

describe('A role whose tokens are limited', () => {
  const leaseOf = (auth: object) =>
    RawServer.start((socket) =>
      socket.write(ok(JSON.stringify({ auth: { client_token: 'hvs.1', renewable: true, ...auth } }))),
    );

  it('to a number of uses cannot be used: the error says what to change', async () => {
    scene = await VaultScene.start({ tokenNumUses: 5 });
    const error = await failure();
    expect(error).toMatchObject({ code: 'ERR_EXCHANGE_INVALID', message: expect.stringContaining('token_num_uses') });
    expect(scene.requests).toEqual(['login 200']);
  });

  it('to less than a second cannot be used, and leads to no hot loop', async () => {
    scene = await VaultScene.start();
    const server = await leaseOf({ lease_duration: 0.01 });
    const error = await failure({ address: server.origin });
    await server.close();
    expect(error).toMatchObject({ code: 'ERR_EXCHANGE_UNAVAILABLE', message: expect.stringContaining('0.01 s') });
    expect(server.requests).toHaveLength(1);
  });

  it('to longer than any date is taken as one of ten years', async () => {
    scene = await VaultScene.start();
    const server = await leaseOf({ lease_duration: 1e18 });
    const provider = await scene.open({ address: server.origin });
    const years = (provider.status.token!.expiresAt!.getTime() - Date.now()) / (365 * 86_400_000);
    await provider.close();
    await server.close();
    expect(Math.round(years)).toBe(10);
  });
});

describe('A login that Vault cannot make sense of', () => {
  it('names the role, and where to look for it', async () => {
    scene = await VaultScene.start();
    const error = await failure({ role: 'shop' });
    expect(error).toMatchObject({ code: 'ERR_EXCHANGE_INVALID', status: 400 });
    expect(scene.source.refused).toEqual([]);
    expect(error.message).toBe(
      'Vault cannot log in to the role "shop" of auth/kubernetes: 400 (invalid role name "shop"). Check that the role exists, and the options "address", "mount", "namespace" and "role".',
    );
  });

  it.each<[string, string, number]>([
    ['what is no JSON', ok('<html>'), 200],
    ['no object', ok('null'), 200],
    ['no lease', ok('{"data":{}}'), 200],
    ['a token without a lease', ok('{"auth":{"client_token":"hvs.abc"},"lease_duration":60}'), 200],
    ['a lease that is less than nothing', ok('{"auth":{"client_token":"hvs.abc","lease_duration":-1}}'), 200],
    ['an empty token', ok('{"auth":{"client_token":"","lease_duration":60}}'), 200],
    ['not found', 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n', 404],
    ['a redirect to a page', 'HTTP/1.1 302 Found\r\nLocation: /ui\r\nContent-Length: 0\r\n\r\n', 302],
  ])('is a login at what is no Vault: %s', async (_what, answer, status) => {
    scene = await VaultScene.start();
    const server = await RawServer.start((socket) => socket.write(answer));
    const error = await failure({ address: server.origin });
    await server.close();
    expect(error).toMatchObject({ code: 'ERR_EXCHANGE_INVALID', status });
    expect(error.message).toContain('"address"');
    expect(error.message).not.toMatch(/html|hvs/);
    expect(server.requests).toHaveLength(1);
  });
});

describe('What Vault says', () => {
  it('is quoted without the token that it repeats, in one line, and not at any length', async () => {
    scene = await VaultScene.start();
    const { current } = scene.source;
    const errors = [`bad token\n\t${current}`, `cut ${current.slice(7, 60)}\u001b[31m\u2028`, 'so bad '.repeat(1000)];
    scene.vault.outage = { status: 403, errors };
    const { message } = await failure();
    expect(message).toContain('403 (bad token [token]; cut [token]\ufffd[31m ; so bad so bad');
    expect(message).not.toMatch(/\s{2}|\n/);
    expect(message.length).toBeLessThan(1200);
  });

  it.each([
    ['text', '{"errors":"no"}'],
    ['a list of anything', '{"errors":[1,null,{"a":1}]}'],
  ])('is not quoted when its errors are %s', async (_what, body) => {
    scene = await VaultScene.start();
    const server = await RawServer.start((socket) => socket.write(ok(body).replace('200 OK', '400 Bad Request')));
    const { message } = await failure({ address: server.origin });
    await server.close();
    expect(message).toContain('auth/kubernetes: 400. Check');
  });
});
