import type { VaultFault } from 'projected-token/testing';
import type { VaultTokenProvider } from 'projected-token/vault';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeClock, passSeconds, realClock, START } from '../helpers/fake-clock.js';
import { expectNoToken, rejectionOf } from '../helpers/federation.js';
import { ok, RawServer } from '../helpers/raw-server.js';
import { nextEvent, passUntilTold, recordEvents, VaultScene } from '../helpers/vault-scene.js';

/** When a lease of 600 s is refreshed by a process whose random numbers are all high. */
const REFRESH = 430;

let scene: VaultScene;
let provider: VaultTokenProvider;

// Each pause as long as it can be.
beforeEach(() => fakeClock());
afterEach(async () => {
  await scene.close();
  realClock();
});

type Trouble = (scene: VaultScene) => Promise<() => Promise<void> | void>;

function fault(outage: VaultFault): Trouble {
  return async ({ vault }) => {
    vault.outage = outage;
    return () => {
      vault.outage = undefined;
    };
  };
}

/** Another server at the address of Vault. */
function rawAnswer(...answer: Parameters<typeof RawServer.start>): Trouble {
  return async ({ vault }) => {
    await vault.close();
    const server = await RawServer.start(answer[0], Number(new URL(vault.origin).port));
    return async () => {
      await server.close();
      await vault.resume();
    };
  };
}

const TROUBLES: Record<string, [Trouble, code: string, message: RegExp]> = {
  'is sealed': [
    async ({ vault }) => {
      vault.isSealed = true;
      return () => {
        vault.isSealed = false;
      };
    },
    'ERR_EXCHANGE_UNAVAILABLE',
    /answers 503 \(Vault is sealed\)\. It is sealed, or has no active node\./,
  ],
  'has a fault of its own': [
    fault({ status: 500, errors: ['internal error'] }),
    'ERR_EXCHANGE_UNAVAILABLE',
    /answers 500 \(internal error\)/,
  ],
  'is behind a proxy that cannot reach it': [fault({ status: 502 }), 'ERR_EXCHANGE_UNAVAILABLE', /answers 502\./],
  'has not seen yet what it needs': [fault({ status: 412 }), 'ERR_EXCHANGE_UNAVAILABLE', /answers 412\./],
  'has too many requests': [fault({ status: 429 }), 'ERR_EXCHANGE_UNAVAILABLE', /answers 429\./],
  'is a secondary for disasters': [fault({ status: 472 }), 'ERR_EXCHANGE_UNAVAILABLE', /answers 472\./],
  'is a standby for reads': [fault({ status: 473 }), 'ERR_EXCHANGE_UNAVAILABLE', /answers 473\./],
  'is a standby that does not know the active node': [
    rawAnswer((socket) => socket.write('HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\n\r\n')),
    'ERR_EXCHANGE_UNAVAILABLE',
    /answers 307\./,
  ],
  'refuses connections': [
    async ({ vault }) => {
      await vault.close();
      return () => vault.resume();
    },
    'ERR_EXCHANGE_UNAVAILABLE',
    /Cannot reach Vault at http:\/\/127\.0\.0\.1:\d+: nothing listens there \(ECONNREFUSED\)\./,
  ],
  'does not answer': [
    rawAnswer(() => void passSeconds(1)),
    'ERR_EXCHANGE_UNAVAILABLE',
    /no answer within 1000 ms \(option "timeoutMs"\)/,
  ],
  'is slow with its headers': [
    rawAnswer((socket) => socket.write('HTTP/1.1 200 OK\r\nX-A: 1\r\n', () => void passSeconds(1))),
    'ERR_EXCHANGE_UNAVAILABLE',
    /no answer within 1000 ms \(option "timeoutMs"\)/,
  ],
  'breaks the connection': [
    rawAnswer((socket) => socket.resetAndDestroy()),
    'ERR_EXCHANGE_UNAVAILABLE',
    /the connection was closed before the end of the answer/,
  ],
  'breaks off within its answer': [
    rawAnswer((socket) => socket.write(ok('{"auth":{}}').slice(0, -1), () => socket.resetAndDestroy())),
    'ERR_EXCHANGE_UNAVAILABLE',
    /the connection was closed before the end of the answer/,
  ],
  'answers more than a megabyte': [
    rawAnswer((socket) => socket.write(ok(`{"auth":"${'a'.repeat(1024 * 1024)}"}`))),
    'ERR_EXCHANGE_UNAVAILABLE',
    /the body of the answer is longer than 1048576 bytes/,
  ],
  'answers what is no HTTP': [
    rawAnswer((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n')),
    'ERR_EXCHANGE_UNAVAILABLE',
    /the answer is not HTTP\/1\.1\. Check the address and its scheme\./,
  ],
  'answers what is no JSON': [
    rawAnswer((socket) => socket.write(ok('<html>'))),
    'ERR_EXCHANGE_INVALID',
    /status 200\) holds no Vault token/,
  ],
};

describe('While Vault', () => {
  it.each(Object.entries(TROUBLES))(
    '%s, the token at hand is given, and Vault is asked again after a pause',
    async (_what, [trouble, code, message]) => {
      scene = await VaultScene.start({ ttlSeconds: 600 });
      provider = await scene.open({ timeoutMs: 1000 });
      const told = recordEvents(provider);
      const token = await provider.getToken();
      const end = await trouble(scene);
      const failed = nextEvent(provider, 'error');
      await passSeconds(REFRESH);
      const error = await failed;
      expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
      expect(provider.status).toMatchObject({ state: 'ready', lastError: { code }, counts: { failures: 1 } });
      for (const secret of [token, scene.source.current]) expect(JSON.stringify([error, told])).not.toContain(secret);
      expectNoToken(error, scene.source.current);

      const failedAgain = nextEvent(provider, 'error');
      await passSeconds(1);
      await failedAgain;
      expect(await provider.getToken()).toBe(token);

      await end();
      const renewed = nextEvent(provider, 'renewed');
      // No longer than the pause: what passes after it counts against the time limit of the request.
      await passSeconds(1);
      await renewed;
      expect(await provider.getToken()).toBe(token);
      expect(provider.status).toMatchObject({ lastError: undefined, counts: { logins: 1, renewals: 1, failures: 2 } });
      expect(told.names).toEqual(['error', 'error', 'renewed']);
    },
  );

  it.each([
    ['seconds', '120'],
    ['a date', new Date(START + (REFRESH + 120) * 1000).toUTCString()],
  ])('asks to be left alone for %s, it is', async (_what, retryAfter) => {
    scene = await VaultScene.start({ ttlSeconds: 600 });
    provider = await scene.open();
    const answer = `HTTP/1.1 429 Too Many Requests\r\nRetry-After: ${retryAfter}\r\nContent-Length: 0\r\n\r\n`;
    const end = await rawAnswer((socket) => socket.write(answer))(scene);
    const failed = nextEvent(provider, 'error');
    await passSeconds(REFRESH);
    expect(await failed).toMatchObject({ status: 429, retryAfterMs: 120_000 });
    await end();
    await passSeconds(119);
    expect(await provider.getToken()).toMatch(/^hvs/);
    expect(scene.requests).toEqual(['login 200']);
    const renewed = nextEvent(provider, 'renewed');
    await passSeconds(2);
    await renewed;
  });

  it('is away for longer than the token lives, it is given until it expires and not a moment longer', async () => {
    scene = await VaultScene.start({ ttlSeconds: 600 });
    provider = await scene.open();
    const told = recordEvents(provider);
    const token = await provider.getToken();
    await scene.vault.close();
    for (let second = 0; second < 599; second++) {
      await passSeconds(1);
      expect(await provider.getToken()).toBe(token);
    }
    await passSeconds(1);
    expect(await rejectionOf(provider.getToken())).toMatchObject({ code: 'ERR_EXCHANGE_UNAVAILABLE' });
    expect(told.names.filter((name) => name === 'expired')).toHaveLength(1);
    await scene.vault.resume();
    await scene.rotate();
    await passUntilTold(provider, 'login', 300);
    expect(await provider.getToken()).not.toBe(token);
  });

  it('is away at the start, opening waits for it', async () => {
    scene = await VaultScene.start();
    scene.vault.isSealed = true;
    provider = scene.provider();
    const failed = nextEvent(provider, 'error');
    const opened = provider.start();
    await failed;
    scene.vault.isSealed = false;
    await passSeconds(1);
    await opened;
    expect(scene.requests).toEqual(['login 503', 'login 200']);
  });

  it('stays away, opening says why after the time for it', async () => {
    scene = await VaultScene.start();
    scene.vault.isSealed = true;
    provider = scene.provider({ readyTimeoutMs: 500 });
    const failed = nextEvent(provider, 'error');
    const error = rejectionOf(provider.start());
    await failed;
    await passSeconds(0.5);
    expect(await error).toMatchObject({ code: 'ERR_EXCHANGE_UNAVAILABLE', status: 503 });
    expect(scene.requests).toEqual(['login 503']);
  });
});
