import { afterEach, describe, expect, it } from 'vitest';
import { rejectionOf } from '../helpers/federation.js';
import { RawServer } from '../helpers/raw-server.js';
import { nextEvent, VaultScene } from '../helpers/vault-scene.js';

const scenes: VaultScene[] = [];
afterEach(() => Promise.all(scenes.splice(0).map((scene) => scene.close())));

/** An active node, and a standby that sends to it what it is asked. */
async function startCluster(): Promise<{ active: VaultScene; standby: VaultScene }> {
  const [active, standby] = await Promise.all([VaultScene.start(), VaultScene.start()]);
  scenes.push(active, standby);
  standby.vault.standbyOf = active.vault.origin;
  return { active, standby };
}

describe('A standby that redirects', () => {
  it('to a listed node is followed there, by every request', async () => {
    const { active, standby } = await startCluster();
    const provider = await active.open({
      address: standby.vault.origin,
      origins: [active.vault.origin],
      revokeOnClose: true,
    });
    await provider.replaceToken(await provider.getToken());
    await provider.close();
    expect(standby.requests).toEqual(['login 307', 'lookup-self 307', 'revoke-self 307']);
    expect(active.requests).toEqual(['login 200', 'lookup-self 200', 'revoke-self 204']);
  });

  it('to a node that is not listed gets neither token there, and the message says what to list', async () => {
    const { active, standby } = await startCluster();
    const error = await rejectionOf(standby.open({ readyTimeoutMs: 0 }));
    expect(error.code).toBe('ERR_EXCHANGE_INVALID');
    expect(error.message).toContain(`redirects to ${active.vault.origin}. List that origin in the option "origins"`);
    expect(active.requests).toEqual([]);
  });

  it('to a node that is not listed is asked again while there is time: a failover ends', async () => {
    const { active, standby } = await startCluster();
    const provider = standby.provider({ readyTimeoutMs: 30_000 });
    const opened = provider.start();
    expect(await nextEvent(provider, 'error')).toMatchObject({ code: 'ERR_EXCHANGE_INVALID', isRetryable: true });
    standby.vault.standbyOf = undefined;
    await opened;
    expect(standby.requests.at(-1)).toBe('login 200');
    expect(active.requests).toEqual([]);
  });

  it('within its own origin is followed, five times and no more', async () => {
    const { active } = await startCluster();
    const server = await RawServer.start((socket, request) => {
      const path = request.includes('/second/') ? '/third/v1/' : '/second/v1/';
      socket.write(`HTTP/1.1 308 Permanent Redirect\r\nLocation: ${path}\r\nContent-Length: 0\r\n\r\n`);
    });
    const error = await rejectionOf(active.open({ address: server.origin, readyTimeoutMs: 0 }));
    await server.close();
    expect(error).toMatchObject({ code: 'ERR_EXCHANGE_UNAVAILABLE', status: 308 });
    expect(server.requests).toHaveLength(6);
    for (const request of server.requests) expect(request).toContain(active.source.current);
  });

  it('to what is no URL is not followed', async () => {
    const { active } = await startCluster();
    const server = await RawServer.start((socket) =>
      socket.write('HTTP/1.1 307 Temporary Redirect\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n'),
    );
    const error = await rejectionOf(active.open({ address: server.origin }));
    await server.close();
    expect(error.code).toBe('ERR_EXCHANGE_INVALID');
    expect(error.message).toContain('redirects to an address that is not a URL');
  });

  it('from https to http is not followed unless that very origin is listed', async () => {
    const { active } = await startCluster();
    const secure = await VaultScene.start({}, { tls: true });
    scenes.push(secure);
    secure.vault.standbyOf = active.vault.origin;
    const { origin: address, ca } = secure.vault;
    expect(await rejectionOf(active.open({ address, ca, readyTimeoutMs: 0 }))).toHaveProperty(
      'code',
      'ERR_EXCHANGE_INVALID',
    );
    expect(active.requests).toEqual([]);
    await active.open({ address, ca, origins: [active.vault.origin] });
    expect(active.requests).toEqual(['login 200']);
  });
});
