import type { EmbeddedVaultRole } from 'projected-token/testing';
import type { VaultTokenProvider, VaultTokenProviderOptions } from 'projected-token/vault';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { fakeClock, passSeconds, realClock } from '../helpers/fake-clock.js';
import { rejectionOf } from '../helpers/federation.js';
import { ok, RawServer } from '../helpers/raw-server.js';
import { nextEvent, recordEvents, VaultScene } from '../helpers/vault-scene.js';

let scene: VaultScene;
let provider: VaultTokenProvider;

afterEach(async () => {
  await scene.close();
  realClock();
});

async function open(
  options: Partial<VaultTokenProviderOptions> = {},
  role: Partial<EmbeddedVaultRole> = {},
): Promise<void> {
  scene = await VaultScene.start(role);
  provider = await scene.open(options);
}

describe('Closing', () => {
  it('leaves the token to expire, unless told otherwise', async () => {
    await open();
    await provider.close();
    expect(scene.requests).toEqual(['login 200']);
    expect(scene.vault.validTokens).toBe(1);
  });

  it('revokes the token when told to', async () => {
    await open({ revokeOnClose: true });
    const told = recordEvents(provider);
    await provider.close();
    expect(scene.requests).toEqual(['login 200', 'revoke-self 204']);
    expect(scene.vault.validTokens).toBe(0);
    expect(told.names).toEqual(['closed']);
  });

  it('does not try to revoke what cannot be: a batch token', async () => {
    await open({ revokeOnClose: true }, { tokenType: 'batch' });
    await provider.close();
    expect(scene.requests).toEqual(['login 200']);
  });

  it('revokes the token of which a renewal is under way', async () => {
    fakeClock();
    await open({ revokeOnClose: true });
    const { origin } = scene.vault;
    await scene.vault.close();
    const server = await RawServer.start(
      (socket, request) => {
        void provider.close();
        if (request.includes('/revoke-self')) socket.write('HTTP/1.1 204 No Content\r\n\r\n');
      },
      Number(new URL(origin).port),
    );
    const closed = nextEvent(provider, 'closed');
    // Not past the time limit of the renewal.
    await passSeconds(2581);
    await closed;
    await server.close();
    const paths = server.requests.map((request) => request.split(' ', 2)[1]);
    expect(paths).toEqual(['/v1/auth/token/renew-self', '/v1/auth/token/revoke-self']);
  });

  it.each<[string, (scene: VaultScene) => void | Promise<void>, string]>([
    ['refuses', ({ vault }) => vault.revokeTokens(), 'ERR_EXCHANGE_DENIED'],
    ['cannot be asked', ({ vault }) => vault.failNext({ status: 503 }), 'ERR_EXCHANGE_UNAVAILABLE'],
    ['is away', ({ vault }) => vault.close(), 'ERR_EXCHANGE_UNAVAILABLE'],
  ])('ends also when Vault %s to revoke the token, and tells of it', async (_what, arrange, code) => {
    await open({ revokeOnClose: true });
    const told = recordEvents(provider);
    await arrange(scene);
    await provider.close();
    expect(told).toMatchObject({ names: ['error', 'closed'], payloads: [{ code }, undefined] });
  });

  it('can be done twice, and tells of it once', async () => {
    await open({ revokeOnClose: true });
    const told = recordEvents(provider);
    expect(provider.close()).toBe(provider.close());
    await provider.close();
    expect(told.names).toEqual(['closed']);
    expect(scene.requests).toEqual(['login 200', 'revoke-self 204']);
  });

  it('comes with the end of an await using block', async () => {
    scene = await VaultScene.start();
    {
      await using inner = await scene.open({ revokeOnClose: true });
      expect(inner.status.state).toBe('ready');
    }
    expect(scene.vault.validTokens).toBe(0);
  });

  it('ends calls, and lets no more begin', async () => {
    await open();
    await provider.close();
    for (const call of [provider.getToken(), provider.replaceToken('hvs.1')]) {
      expect(await rejectionOf(call)).toHaveProperty('code', 'ERR_TOKEN_CLOSED');
    }
    expect(provider.status).toMatchObject({ state: 'closed', token: undefined, nextAttemptAt: undefined });
  });

  it('ends an opening that is under way, and the request with it', async () => {
    scene = await VaultScene.start();
    const server = await RawServer.start(() => {});
    provider = scene.provider({ address: server.origin });
    const error = rejectionOf(provider.start());
    await expect.poll(() => server.requests.length).toBe(1);
    await provider.close();
    expect(await error).toHaveProperty('code', 'ERR_TOKEN_CLOSED');
    await expect.poll(() => server.openConnections).toBe(0);
    await server.close();
  });

  it('ends an opening whose source does not answer', async () => {
    scene = await VaultScene.start();
    const source = { getToken: () => new Promise<string>(() => {}), replaceToken: async () => undefined };
    provider = scene.provider({ source });
    const error = rejectionOf(provider.start());
    await provider.close();
    expect(await error).toHaveProperty('code', 'ERR_TOKEN_CLOSED');
  });

  it('of a provider that was never started is nothing much', async () => {
    scene = await VaultScene.start();
    provider = scene.provider({ revokeOnClose: true });
    await provider.close();
    expect(await rejectionOf(provider.start())).toHaveProperty('code', 'ERR_TOKEN_CLOSED');
    expect(scene.requests).toEqual([]);
  });

  it('leaves no timer and no connection', async () => {
    fakeClock();
    const answer = ok('{"auth":{"client_token":"hvs.1","lease_duration":600}}');
    const server = await RawServer.start((socket) => socket.write(answer));
    scene = await VaultScene.start();
    provider = await scene.open({ address: server.origin });
    expect(vi.getTimerCount()).toBe(1);
    expect(server.openConnections).toBe(1);
    await provider.close();
    expect(vi.getTimerCount()).toBe(0);
    await expect.poll(() => server.openConnections).toBe(0);
    await server.close();
  });
});
