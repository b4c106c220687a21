import type { EmbeddedVaultRole } from 'projected-token/testing';
import type { VaultTokenProvider } from 'projected-token/vault';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeClock, passSeconds, realClock, secondsGone, setClock } from '../helpers/fake-clock.js';
import { rejectionOf } from '../helpers/federation.js';
import { ok, RawServer } from '../helpers/raw-server.js';
import { nextEvent, passUntilTold, recordEvents, VaultScene } from '../helpers/vault-scene.js';

const ANY_ROLE: EmbeddedVaultRole = { serviceAccounts: ['*'], namespaces: ['*'] };

let scene: VaultScene;
let provider: VaultTokenProvider;

// Random numbers in the middle: a lease is refreshed at two thirds.
beforeEach(() => fakeClock(0.5));
afterEach(async () => {
  await scene.close();
  realClock();
});

async function open(role: Partial<EmbeddedVaultRole> = {}): Promise<void> {
  scene = await VaultScene.start({ ttlSeconds: 600, ...role });
  provider = await scene.open();
}

/** Lets time pass, with a service account token that is good then, until the provider tells of an event. */
async function passUntil(seconds: number, event: 'login' | 'renewed' | 'error'): Promise<void> {
  const told = nextEvent(provider, event);
  await passSeconds(seconds - 0.001);
  await scene.rotate();
  await passSeconds(0.001);
  await told;
}

describe('A Vault token', () => {
  it('is renewed at two thirds of its lease, without anybody asking, and stays the same', async () => {
    await open();
    const token = await provider.getToken();
    for (let renewal = 1; renewal <= 5; renewal++) {
      await passSeconds(399);
      expect(scene.requests).toHaveLength(renewal);
      await passUntil(1, 'renewed');
      expect(await provider.getToken()).toBe(token);
      expect(provider.status.counts).toEqual({ logins: 1, renewals: renewal, failures: 0 });
    }
    expect(scene.requests).toEqual(['login 200', ...Array(5).fill('renew-self 200')]);
  });

  it('is renewed once, however many callers come', async () => {
    await open();
    const renewed = nextEvent(provider, 'renewed');
    setClock(400);
    await Promise.all(Array.from({ length: 1000 }, () => provider.getToken()));
    await renewed;
    expect(scene.requests).toEqual(['login 200', 'renew-self 200']);
  });

  it('that cannot be renewed is followed by another at two thirds of its lease', async () => {
    await open({ tokenType: 'batch' });
    const first = await provider.getToken();
    expect(first).toMatch(/^hvb\./);
    await passUntil(400, 'login');
    expect(await provider.getToken()).not.toBe(first);
    expect(scene.requests).toEqual(['login 200', 'login 200']);
    expect(provider.status).toMatchObject({ token: { isRenewable: false }, counts: { logins: 2, renewals: 0 } });
  });

  it('near its maximum TTL is followed by another before it ends', async () => {
    await open({ maxTtlSeconds: 1300 });
    await passUntil(400, 'renewed');
    await passUntil(400, 'renewed');
    // 500 s are left, and it is no use to ask for more.
    expect(provider.status.token).toMatchObject({ isRenewable: false });
    await passUntil(334, 'login');
    expect(secondsGone()).toBeLessThan(1300);
    expect(scene.requests).toEqual(['login 200', 'renew-self 200', 'renew-self 200', 'login 200']);
    await passUntil(400, 'renewed');
  });

  it('whose renewal is refused is followed by another at once', async () => {
    await open();
    const told = recordEvents(provider);
    const first = await provider.getToken();
    scene.vault.revokeTokens();
    await passUntil(400, 'login');
    expect(await provider.getToken()).not.toBe(first);
    expect(scene.requests).toEqual(['login 200', 'renew-self 403', 'login 200']);
    expect(told.names).toEqual(['login']);
  });

  it.each([
    [500, 'internal error'],
    [400, 'lease is not renewable'],
    [404, 'unsupported path'],
  ])('whose renewal fails with %i (%s) is followed by another in the same attempt', async (status, text) => {
    await open();
    const told = recordEvents(provider);
    scene.vault.failNext({ status, errors: [text] });
    await passUntil(400, 'login');
    expect(scene.requests).toEqual(['login 200', `renew-self ${status}`, 'login 200']);
    expect(told.names).toEqual(['login']);
  });

  it('past the maximum TTL, since that was lowered, is followed by another in the same attempt', async () => {
    await open();
    const told = recordEvents(provider);
    scene.vault.setRole('app', { ...ANY_ROLE, ttlSeconds: 60, maxTtlSeconds: 300 });
    await passUntil(400, 'login');
    expect(scene.requests).toEqual(['login 200', 'renew-self 500', 'login 200']);
    expect(told.names).toEqual(['login']);
    await passUntil(40, 'renewed');
  });

  it('that may not renew itself is followed by another in the same attempt', async () => {
    await open({ noDefaultPolicy: true });
    await passUntil(400, 'login');
    expect(scene.requests).toEqual(['login 200', 'renew-self 403', 'login 200']);
  });

  it('outlives the service account token of its login: the renewal is refused, and the newest one logs in, in the same attempt', async () => {
    await open({ ttlSeconds: 6000 });
    const first = await provider.getToken();
    // That token lives for an hour.
    await passUntil(4000, 'login');
    expect(scene.requests).toEqual(['login 200', 'renew-self 403', 'login 200']);
    expect(await provider.getToken()).not.toBe(first);
    expect(provider.status.counts).toEqual({ logins: 2, renewals: 0, failures: 0 });
  });

  it('whose role was deleted is kept, and renewed soon after the role is there again', async () => {
    await open();
    const token = await provider.getToken();
    scene.vault.setRole('app', undefined);
    await passUntil(400, 'error');
    expect(scene.requests).toEqual(['login 200', 'renew-self 500', 'login 400']);
    expect(await provider.getToken()).toBe(token);
    expect(provider.status).toMatchObject({ state: 'ready', lastError: { code: 'ERR_EXCHANGE_INVALID' } });
    scene.vault.setRole('app', { ...ANY_ROLE, ttlSeconds: 600 });
    await passUntil(0.75, 'renewed');
    expect(provider.status).toMatchObject({ state: 'ready', lastError: undefined, counts: { logins: 1, renewals: 1 } });
  });

  it.each([412, 429, 472, 473, 502, 503, 504])(
    'whose renewal meets an outage (%i) is kept, without a login',
    async (status) => {
      await open();
      scene.vault.failNext({ status });
      await passUntil(400, 'error');
      expect(scene.requests).toEqual(['login 200', `renew-self ${status}`]);
    },
  );

  it('whose renewal gives no more time is followed by another at once', async () => {
    await open();
    const login = { auth: { client_token: 'hvs.1', lease_duration: 60, renewable: true } };
    const renewal = { auth: { ...login.auth, lease_duration: 0 } };
    const server = await RawServer.start((socket, request) =>
      socket.write(ok(JSON.stringify(request.includes('/renew-self') ? renewal : login))),
    );
    provider = await scene.open({ address: server.origin });
    await passUntil(40, 'login');
    await provider.close();
    await server.close();
    expect(server.requests.map((request) => request.split(' ', 2)[1])).toEqual([
      '/v1/auth/kubernetes/login',
      '/v1/auth/token/renew-self',
      '/v1/auth/kubernetes/login',
    ]);
  });

  it('stays in use until it expires, where neither a renewal nor a login is granted any more', async () => {
    await open();
    const told = recordEvents(provider);
    const token = await provider.getToken();
    scene.vault.outage = { status: 403, errors: ['permission denied'] };
    await passUntil(400, 'error');
    setClock(199);
    expect(await provider.getToken()).toBe(token);
    expect(provider.status).toMatchObject({ state: 'ready', lastError: { code: 'ERR_EXCHANGE_DENIED' } });
    setClock(1);
    expect(await rejectionOf(provider.getToken())).toMatchObject({ code: 'ERR_EXCHANGE_DENIED', status: 403 });
    expect(provider.status).toMatchObject({ state: 'expired', token: undefined });
    scene.vault.outage = undefined;
    await scene.rotate();
    await passUntilTold(provider, 'login', 300);
    expect(provider.status).toMatchObject({ state: 'ready', lastError: undefined });
    expect(told.names.filter((name) => name !== 'error')).toEqual(['expired', 'login']);
  });

  it('is not given to a process that slept past its lease: that one logs in', async () => {
    await open();
    const first = await provider.getToken();
    setClock(7200);
    await scene.rotate();
    expect(await provider.getToken()).not.toBe(first);
    expect(scene.requests).toEqual(['login 200', 'login 200']);
  });
});
