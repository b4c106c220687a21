import type { TokenSource } from 'projected-token';
import { createTokenVerifier } from 'projected-token/verify';
import { afterEach, beforeEach, describe, expect, onTestFinished } from 'vitest';
import { fakeClock, passSeconds, realClock } from '../helpers/fake-clock.js';
import { rejectionOf } from '../helpers/federation.js';
import { ok, RawServer } from '../helpers/raw-server.js';
import { nextEvent, VaultScene } from '../helpers/vault-scene.js';
import { fault } from './fault.js';

const TIMEOUT_MS = 500;
const PATIENT = { timeoutMs: TIMEOUT_MS, readyTimeoutMs: 20_000 };
const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';

const LOGIN = ok(JSON.stringify({ auth: { client_token: 'hvs.1', lease_duration: 3600, renewable: true } }));

describe('Vault', () => {
  let scene: VaultScene;
  beforeEach(async () => {
    scene = await VaultScene.start();
    // The first request loads it, which can take as long as the time limit here.
    await import('undici');
  });
  afterEach(() => scene.close());

  /** A server that gives the first request another answer than those after it. */
  async function openAfter(answer: (socket: Parameters<Parameters<typeof RawServer.start>[0]>[0]) => void) {
    let isFirst = true;
    const server = await RawServer.start((socket) => {
      if (isFirst) answer(socket);
      else socket.write(LOGIN);
      isFirst = false;
    });
    const provider = scene.provider({ address: server.origin, ...PATIENT });
    const failed = nextEvent(provider, 'error');
    const opened = provider.start();
    const error = await failed;
    await opened;
    expect(await provider.getToken()).toBe('hvs.1');
    await provider.close();
    await server.close();
    return error;
  }

  const ANSWERS: [string, Parameters<typeof openAfter>[0]][] = [
    ['`101 Switching Protocols`', (socket) => socket.write(SWITCHING)],
    ['nothing', () => {}],
    ['half of its headers', (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Le')],
    ['half of a body', (socket) => socket.write(LOGIN.slice(0, -5))],
    ['a reset', (socket) => socket.resetAndDestroy()],
  ];
  for (const [what, answer] of ANSWERS) {
    fault(
      `Vault answers a login with ${what}`,
      '`ERR_EXCHANGE_UNAVAILABLE` within `timeoutMs`; the next login works',
      async () => {
        expect(await openAfter(answer)).toMatchObject({ code: 'ERR_EXCHANGE_UNAVAILABLE' });
      },
    );
  }

  fault(
    'the source of the service account token hangs once',
    '`ERR_EXCHANGE_UNAVAILABLE` within `timeoutMs`; the next login works',
    async () => {
      let isStuck = true;
      const source: TokenSource = {
        getToken: () => (isStuck ? new Promise(() => {}) : scene.source.getToken()),
        replaceToken: async () => undefined,
      };
      const provider = scene.provider({ source, ...PATIENT });
      const failed = nextEvent(provider, 'error');
      const opened = provider.start();
      expect(await failed).toMatchObject({
        code: 'ERR_EXCHANGE_UNAVAILABLE',
        message: expect.stringContaining('Check the option "source"'),
      });
      isStuck = false;
      await opened;
    },
  );

  fault('Vault revokes the token under load', 'one login; no request fails', async () => {
    const provider = await scene.open();
    const first = await provider.getToken();
    scene.vault.revokeTokens();
    const replaced = await Promise.all(Array.from({ length: 50 }, () => provider.replaceToken(first)));
    expect(new Set(replaced).size).toBe(1);
    expect(replaced[0]).not.toBe(first);
    expect(scene.requests.filter((request) => request === 'login 200')).toHaveLength(2);
  });

  fault(
    'OpenBao refuses a renewal, as the service account token of the login has expired',
    'a login with the newest one, in the same attempt',
    async () => {
      fakeClock(0.5);
      onTestFinished(realClock);
      scene.vault.setRole('app', {
        serviceAccounts: ['app'],
        namespaces: ['demo'],
        audience: 'vault',
        ttlSeconds: 6000,
      });
      // A token for an hour; the renewal is due after two thirds of the lease.
      await scene.rotate();
      const provider = await scene.open();
      const first = await provider.getToken();
      const loggedIn = nextEvent(provider, 'login');
      await passSeconds(3999.999);
      await scene.rotate();
      await passSeconds(0.001);
      await loggedIn;
      expect(await provider.getToken()).not.toBe(first);
      expect(scene.requests).toEqual(['login 200', 'renew-self 403', 'login 200']);
      expect(provider.status.counts.failures).toBe(0);
    },
  );

  fault(
    'a standby redirects to a leader that was lost, and then says that there is none',
    '`open` waits, and logs in once there is one',
    async () => {
      const lost = await RawServer.start(() => {});
      const { origin } = lost;
      await lost.close();
      scene.vault.standbyOf = origin;
      const provider = scene.provider({ origins: [origin], readyTimeoutMs: 20_000 });
      const opening = provider.start();
      await nextEvent(provider, 'error');
      scene.vault.standbyOf = undefined;
      scene.vault.outage = { status: 500, errors: ['local node not active but active cluster node not found'] };
      const error = await nextEvent(provider, 'error');
      expect(error).toMatchObject({ code: 'ERR_EXCHANGE_UNAVAILABLE', status: 500 });
      scene.vault.outage = undefined;
      await opening;
      expect(scene.requests).toEqual(['login 307', 'login 500', 'login 200']);
    },
  );
});

describe('The issuer', () => {
  fault(
    'the issuer answers with `101 Switching Protocols`',
    '`ERR_VERIFY_UNAVAILABLE` within `timeoutMs`; the next token is verified',
    async () => {
      const scene = await VaultScene.start();
      let isUpgrading = true;
      const server = await RawServer.start((socket, request) => {
        if (isUpgrading) socket.write(SWITCHING);
        else if (request.startsWith('GET /.well-known')) socket.write(ok(JSON.stringify(discovery)));
        else socket.write(ok(JSON.stringify(scene.cluster.jwks)));
      });
      const discovery = { issuer: scene.cluster.issuer, jwks_uri: `${server.origin}/openid/v1/jwks` };
      const options = { issuer: scene.cluster.issuer, audience: 'vault', timeoutMs: TIMEOUT_MS };
      const verifier = createTokenVerifier({ ...options, apiServer: server.origin });
      const error = await rejectionOf(verifier.verify(scene.source.current));
      expect(error).toHaveProperty('code', 'ERR_VERIFY_UNAVAILABLE');
      isUpgrading = false;
      await expect
        .poll(() => verifier.verify(scene.source.current).then(({ subject }) => subject, String), { timeout: 20_000 })
        .toBe('system:serviceaccount:demo:app');
      await Promise.all([scene.close(), server.close()]);
    },
  );
});
