import { withToken } from 'projected-token/fetch';
import type { EmbeddedVaultRole } from 'projected-token/testing';
import type { VaultTokenProvider } from 'projected-token/vault';
import { afterEach, describe, expect, it } from 'vitest';
import { fakeClock, passSeconds, realClock } from '../helpers/fake-clock.js';
import { VaultScene } from '../helpers/vault-scene.js';

let scene: VaultScene;
let provider: VaultTokenProvider;
/** Reads a secret, and gives the status. */
let read: (path?: string) => Promise<number>;

afterEach(async () => {
  await scene.close();
  realClock();
});

async function open(role: Partial<EmbeddedVaultRole> = {}): Promise<void> {
  scene = await VaultScene.start(role);
  provider = await scene.open();
  const vaultFetch = withToken(fetch, provider, { origins: [scene.vault.origin] });
  read = async (path = 'shop') => {
    const response = await vaultFetch(`${scene.vault.origin}/v1/secret/data/${path}`);
    await response.body?.cancel();
    return response.status;
  };
}

describe('A Vault token that was revoked', () => {
  it('is followed by one login, and the request sent again', async () => {
    await open();
    scene.vault.revokeTokens();
    expect(await read()).toBe(200);
    expect(await read()).toBe(200);
    expect(scene.requests).toEqual(['login 200', 'shop 403', 'lookup-self 403', 'login 200', 'shop 200', 'shop 200']);
  });

  it('is followed by one login, however many requests were refused', async () => {
    await open();
    scene.vault.revokeTokens();
    const statuses = await Promise.all(Array.from({ length: 200 }, () => read()));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(scene.requests.filter((request) => /^(login|lookup)/.test(request))).toEqual([
      'login 200',
      'lookup-self 403',
      'login 200',
    ]);
  });

  it('is followed by one login, and the caller gets the 403 when that does not help', async () => {
    await open({ readable: [] });
    scene.vault.revokeTokens();
    expect(await read()).toBe(403);
    expect(scene.requests).toEqual(['login 200', 'shop 403', 'lookup-self 403', 'login 200', 'shop 403']);
  });

  it('is not followed by another when Vault refuses the login: the caller gets the 403', async () => {
    await open();
    scene.vault.revokeTokens();
    scene.source.current = await scene.cluster.mint({ audience: 'other' });
    expect(await read()).toBe(403);
    expect(await read()).toBe(403);
    // The second time it is the pause after the failure.
    expect(scene.requests).toEqual(['login 200', 'shop 403', 'lookup-self 403', 'login 403', 'shop 403']);
    expect(provider.status).toMatchObject({ state: 'ready', lastError: { code: 'ERR_EXCHANGE_DENIED' } });
  });

  it.each([
    ['OpenBao', 'permission denied'],
    ['Vault', '2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n'],
  ])('is known for it by the text of %s, also where replacing it did not help before', async (_who, text) => {
    fakeClock();
    await open();
    for (let replaced = 0; replaced < 4; replaced++) {
      scene.vault.failNext({ status: 403 }, { status: 403 });
      expect(await read()).toBe(200);
    }
    scene.vault.failNext({ status: 403 }, { status: 403 });
    expect(await read()).toBe(403);
    await passSeconds(60);
    scene.vault.failNext({ status: 403 }, { status: 403, errors: [text] });
    expect(await read()).toBe(200);
    expect(scene.vault.logins).toHaveLength(6);
  });

  it('is followed by a few logins a second at most, where every new one is revoked as well', async () => {
    await open();
    for (let request = 0; request < 50; request++) {
      scene.vault.revokeTokens();
      await read();
    }
    expect(scene.requests.filter((request) => request === 'login 200').length).toBeLessThan(10);
  });
});

describe('A request that the policies of a token do not allow', () => {
  it('gets its 403 without another login', async () => {
    await open({ readable: ['till'] });
    expect(await read()).toBe(403);
    expect(scene.requests).toEqual(['login 200', 'shop 403', 'lookup-self 200']);
  });

  it('gets its 403 without a login where they do not allow to look the token up, and a revocation is mended at once', async () => {
    await open({ noDefaultPolicy: true, readable: ['shop'] });
    for (let second = 0; second < 20; second++) expect(await read('till')).toBe(403);
    expect(new Set(scene.requests)).toEqual(new Set(['login 200', 'till 403', 'lookup-self 403']));
    expect(scene.vault.logins).toHaveLength(1);
    scene.vault.revokeTokens();
    expect(await read()).toBe(200);
    expect(scene.vault.logins).toHaveLength(2);
  });

  it('gets its 403 without a login, too, when Vault cannot tell whether the token is good', async () => {
    await open();
    scene.vault.failNext({ status: 403 }, { status: 500 });
    expect(await read()).toBe(403);
    expect(scene.requests).toEqual(['login 200', 'shop 403', 'lookup-self 500']);
    expect(await read()).toBe(200);
  });
});
