import type { EmbeddedVaultRole } from 'projected-token/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type VaultAnswer, vaultCall, withVaultToken } from '../../helpers/vault-call.js';
import { VaultScene } from '../../helpers/vault-scene.js';

// Texts of OpenBao 2.7.2; to a token that is not known, those of Vault.
const DENIED_BY_POLICY = { status: 403, body: { errors: ['1 error occurred:\n\t* permission denied\n\n'] } };
const UNKNOWN = { status: 403, body: { errors: ['2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n'] } };
const ROLE: EmbeddedVaultRole = { serviceAccounts: ['app'], namespaces: ['demo'], audience: 'vault', ttlSeconds: 600 };

let scene: VaultScene;
afterEach(async () => {
  vi.useRealTimers();
  await scene.close();
});

async function logIn(role: Partial<EmbeddedVaultRole> = {}): Promise<VaultAnswer['body']> {
  scene = await VaultScene.start({ ...ROLE, ...role });
  const login = { role: 'app', jwt: scene.source.current };
  return (await vaultCall(scene.vault, 'auth/kubernetes/login', {}, login)).body.auth;
}

const call = (token: string, path: string, json?: unknown) => vaultCall(scene.vault, path, withVaultToken(token), json);
const freezeClock = () => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
const renew = (token: string) => call(token, 'auth/token/renew-self', {});

describe('A role with a limit of uses', () => {
  it('gives tokens that are known for so many requests of any kind', async () => {
    const { client_token: token, num_uses } = await logIn({ tokenNumUses: 4 });
    expect(num_uses).toBe(4);
    expect(await call(token, 'auth/token/lookup-self')).toMatchObject({ status: 200, body: { data: { num_uses: 3 } } });
    expect(await call(token, 'sys/mounts')).toMatchObject(DENIED_BY_POLICY);
    expect(await renew(token)).toMatchObject({ status: 200, body: { auth: { num_uses: 4 } } });
    expect(await call(token, 'auth/token/lookup-self')).toMatchObject({
      status: 200,
      body: { data: { num_uses: -1 } },
    });
    expect(await call(token, 'secret/data/shop')).toMatchObject(UNKNOWN);
    expect(scene.vault.validTokens).toBe(0);
  });

  it('is the exception: by default there is no limit', async () => {
    const { client_token: token, num_uses } = await logIn();
    expect(num_uses).toBe(0);
    for (let use = 0; use < 10; use++) {
      expect(await call(token, 'auth/token/lookup-self')).toMatchObject({ body: { data: { num_uses: 0 } } });
    }
  });
});

describe('A role without the default policy', () => {
  it('gives tokens that read secrets, and can do nothing with themselves', async () => {
    const { client_token: token, policies, token_policies } = await logIn({ noDefaultPolicy: true });
    expect([policies, token_policies]).toEqual([['app'], ['app']]);
    expect(await call(token, 'secret/data/shop')).toHaveProperty('status', 200);
    expect(await call(token, 'auth/token/lookup-self')).toMatchObject(DENIED_BY_POLICY);
    expect(await renew(token)).toMatchObject(DENIED_BY_POLICY);
    expect(await call(token, 'auth/token/revoke-self', {})).toMatchObject(DENIED_BY_POLICY);
    expect(scene.vault.validTokens).toBe(1);
  });

  it('gives tokens that are told from unknown ones all the same', async () => {
    const { client_token: token } = await logIn({ noDefaultPolicy: true });
    scene.vault.revokeTokens();
    expect(await call(token, 'auth/token/lookup-self')).toMatchObject(UNKNOWN);
  });
});

describe('A role that changes under a live token', () => {
  it('does not renew it past a maximum TTL that was lowered; the token lives on until its lease ends', async () => {
    freezeClock();
    const { client_token: token } = await logIn();
    vi.setSystemTime(Date.now() + 300_000);
    scene.vault.setRole('app', { ...ROLE, maxTtlSeconds: 300 });
    const errors = ['1 error occurred:\n\t* past the max TTL, cannot renew\n\n'];
    expect(await renew(token)).toMatchObject({ status: 500, body: { errors } });
    expect(await call(token, 'secret/data/shop')).toHaveProperty('status', 200);
    scene.vault.setRole('app', { ...ROLE, maxTtlSeconds: 310 });
    expect(await renew(token)).toMatchObject({ status: 200, body: { auth: { renewable: true, lease_duration: 10 } } });
  });

  it('renews it no more once it is deleted, and gives no other', async () => {
    const { client_token: token } = await logIn();
    scene.vault.setRole('app', undefined);
    const errors = ['1 error occurred:\n\t* failed to renew entry: role app does not exist during renewal\n\n'];
    expect(await renew(token)).toMatchObject({ status: 500, body: { errors } });
    expect(await call(token, 'secret/data/shop')).toHaveProperty('status', 200);
    const login = { role: 'app', jwt: scene.source.current };
    const denied = { status: 400, body: { errors: ['invalid role name "app"'] } };
    expect(await vaultCall(scene.vault, 'auth/kubernetes/login', {}, login)).toMatchObject(denied);
  });

  it('leaves its policies as they were at the login', async () => {
    const { client_token: token } = await logIn();
    scene.vault.setRole('app', { ...ROLE, noDefaultPolicy: true, readable: [] });
    expect(await renew(token)).toMatchObject({ status: 200, body: { auth: { policies: ['app', 'default'] } } });
    expect(await call(token, 'secret/data/shop')).toHaveProperty('status', 200);
  });

  it('leaves alone the options that it was started with', async () => {
    const roles = { app: ROLE };
    scene = await VaultScene.start({}, { roles });
    scene.vault.setRole('app', undefined);
    expect(roles).toEqual({ app: ROLE });
  });
});

describe('A token at its maximum TTL', () => {
  it('ends, however often it is renewed', async () => {
    freezeClock();
    const { client_token: token } = await logIn({ ttlSeconds: 4, maxTtlSeconds: 8 });
    const statuses: number[] = [];
    for (let second = 1; second <= 10; second++) {
      vi.setSystemTime(Date.now() + 1000);
      statuses.push((await renew(token)).status);
    }
    expect(statuses).toEqual([...Array(7).fill(200), 403, 403, 403]);
  });
});
