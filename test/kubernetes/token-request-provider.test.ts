import { decodeJwt } from 'jose';
import type { EmbeddedApiServer } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { asked } from '../helpers/api-server.js';
import { rejectionOf } from '../helpers/federation.js';
import { nextFailure, nextRotation, tokenRequests } from '../helpers/token-requests.js';

const TOKEN_PATH = '/api/v1/namespaces/shop/serviceaccounts/app/token';
/** How close to its expiry a token is not handed out any more. */
const MARGIN_MS = 10_000;

const { startServer, makeProvider, open } = tokenRequests();
let server: EmbeddedApiServer;

beforeEach(async () => {
  server = await startServer();
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** From now on time passes only when the test says so. */
function stopClock(): void {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout', 'performance'] });
}

/** Lets the time pass until something is due. */
async function passTo(date: Date): Promise<void> {
  await vi.advanceTimersByTimeAsync(date.getTime() - Date.now());
}

const requests = () => server.requests.length;

describe('A request', () => {
  it('asks for the audiences, the lifetime and the bound object of the options', async () => {
    const provider = await open({
      audiences: ['vault', 'billing'],
      expirationSeconds: 7200,
      boundObjectRef: { kind: 'Pod', name: 'app-1' },
    });
    const claims = decodeJwt(await provider.getToken());
    expect(asked(server)).toEqual([`POST ${TOKEN_PATH} 201`]);
    expect(claims).toMatchObject({
      sub: 'system:serviceaccount:shop:app',
      aud: ['vault', 'billing'],
      'kubernetes.io': { pod: { name: 'app-1' } },
    });
    expect(claims.exp! - claims.iat!).toBe(7200);
  });

  it('asks for a token of the API server, for an hour and bound to nothing, unless told otherwise', async () => {
    const claims = decodeJwt(await (await open()).getToken());
    expect(claims.aud).toEqual([server.issuer]);
    expect(claims.exp! - claims.iat!).toBe(3600);
    expect(claims['kubernetes.io']).not.toHaveProperty('pod');
  });

  it('takes v1 for the version of the bound object where it is undefined', async () => {
    const provider = await open({ boundObjectRef: { kind: 'Pod', name: 'app-1', apiVersion: undefined } });
    expect(decodeJwt(await provider.getToken())['kubernetes.io']).toHaveProperty('pod');
  });

  it('is made once for any number of callers', async () => {
    const provider = makeProvider();
    const started = provider.start();
    const tokens = await Promise.all(Array.from({ length: 20 }, () => provider.getToken()));
    await started;
    expect(new Set([...tokens, await provider.getToken()]).size).toBe(1);
    expect(requests()).toBe(1);
  });
});

describe('The returned expiry', () => {
  it('counts, not the one that was asked for', async () => {
    await server.close();
    server = await startServer({ maxExpirationSeconds: 900 });
    stopClock();
    const provider = await open({ expirationSeconds: 7200 });
    const { obtainedAt, expiresAt, refreshAt } = provider.status.token!;
    const expiryMs = decodeJwt(await provider.getToken()).exp! * 1000;
    expect(expiresAt.getTime()).toBe(expiryMs - MARGIN_MS);
    expect(refreshAt.getTime()).toBeLessThan(obtainedAt.getTime() + 900_000);

    vi.setSystemTime(expiryMs - MARGIN_MS - 1);
    await server.close();
    expect(decodeJwt(await provider.getToken()).exp! * 1000).toBe(expiryMs);
    vi.setSystemTime(expiryMs - MARGIN_MS);
    expect(await rejectionOf(provider.getToken())).toHaveProperty('code', 'ERR_EXCHANGE_UNAVAILABLE');
  });

  it('is not taken from an extended token, whose claim says a year', async () => {
    const provider = await open({ boundObjectRef: { kind: 'Pod', name: 'app-1' }, expirationSeconds: 3607 });
    const { exp, iat } = decodeJwt(await provider.getToken());
    expect(exp! - iat!).toBe(365 * 24 * 3600);
    expect(provider.status.token!.expiresAt.getTime()).toBe((iat! + 3607) * 1000 - MARGIN_MS);
  });
});

describe('A refresh', () => {
  it('comes at about 80 % of the lifetime, for every process at another moment', async () => {
    const tokens = await Promise.all(Array.from({ length: 20 }, async () => (await open()).status.token!));
    const shares = tokens.map(({ obtainedAt, expiresAt, refreshAt }) => {
      const lifeMs = expiresAt.getTime() + MARGIN_MS - obtainedAt.getTime();
      return (refreshAt.getTime() - obtainedAt.getTime()) / lifeMs;
    });
    expect(Math.min(...shares)).toBeGreaterThanOrEqual(0.75);
    expect(Math.max(...shares)).toBeLessThanOrEqual(0.85);
    expect(new Set(shares).size).toBeGreaterThan(10);
  });

  it('happens by itself, not before its time, and gives another token from then on', async () => {
    stopClock();
    const provider = await open();
    const first = await provider.getToken();
    for (let rotation = 1; rotation <= 3; rotation++) {
      const { refreshAt } = provider.status.token!;
      await passTo(new Date(refreshAt.getTime() - 1));
      expect(requests()).toBe(rotation);
      const rotated = nextRotation(provider);
      await passTo(refreshAt);
      expect((await rotated).refreshAt.getTime()).toBeGreaterThan(refreshAt.getTime());
    }
    expect(requests()).toBe(4);
    expect(await provider.getToken()).not.toBe(first);
  });

  it('happens at the next call where the timer is late, as in a process that was suspended', async () => {
    stopClock();
    const provider = await open();
    const old = await provider.getToken();
    vi.setSystemTime(Date.now() + 2 * 3_600_000);
    const tokens = new Set(await Promise.all(Array.from({ length: 20 }, () => provider.getToken())));
    expect(tokens.size).toBe(1);
    expect(tokens).not.toContain(old);
    expect(requests()).toBe(2);
  });

  it('follows when a server refuses the token, once for all who were refused', async () => {
    const provider = await open();
    const refused = await provider.getToken();
    const replacements = new Set(await Promise.all(Array.from({ length: 20 }, () => provider.replaceToken(refused))));
    expect(replacements).toEqual(new Set([await provider.getToken()]));
    expect(replacements).not.toContain(refused);
    expect(requests()).toBe(2);
  });
});

describe('While the API server is down', () => {
  it('the token at hand is served until its expiry, and a new one once the server is back', async () => {
    stopClock();
    const provider = await open();
    const expired = new Promise<void>((resolve) => provider.once('expired', () => resolve()));
    const token = await provider.getToken();
    const { refreshAt, expiresAt } = provider.status.token!;
    await server.close();

    const failure = nextFailure(provider);
    await passTo(refreshAt);
    expect(await failure).toMatchObject({ code: 'ERR_EXCHANGE_UNAVAILABLE', cause: { code: 'ECONNREFUSED' } });
    expect(provider.status).toMatchObject({
      state: 'ready',
      lastError: { code: 'ERR_EXCHANGE_UNAVAILABLE', message: (await failure).message },
      counts: { requests: 2, failures: 1 },
    });
    expect(await provider.getToken()).toBe(token);
    expect(await provider.replaceToken(token)).toBeUndefined();

    vi.setSystemTime(expiresAt);
    expect(await rejectionOf(provider.getToken())).toHaveProperty('code', 'ERR_EXCHANGE_UNAVAILABLE');
    await expired;
    expect(provider.status).toMatchObject({ state: 'expired', token: undefined });

    await server.resume();
    const rotated = nextRotation(provider);
    // The pause ends; the request has the time of the network.
    await vi.advanceTimersToNextTimerAsync();
    await rotated;
    expect(await provider.getToken()).not.toBe(token);
    expect(provider.status).toMatchObject({ state: 'ready', lastError: undefined });
  });

  it('it is asked after pauses that grow with the outage, and not in between', async () => {
    // The longest that the jitter allows.
    vi.spyOn(Math, 'random').mockReturnValue(1);
    stopClock();
    const provider = await open({ expirationSeconds: 86_400 });
    server.outage = { status: 503 };
    let failure = nextFailure(provider);
    await passTo(provider.status.token!.refreshAt);
    const pauses: number[] = [];
    for (let attempt = 1; attempt <= 11; attempt++) {
      await failure;
      await Promise.all(Array.from({ length: 10 }, () => provider.getToken()));
      failure = nextFailure(provider);
      const before = Date.now();
      // Not to the next timer: the client has some of its own.
      for (const { counts } = provider.status; provider.status.counts.requests === counts.requests; ) {
        await vi.advanceTimersByTimeAsync(1);
      }
      pauses.push((Date.now() - before) / 1000);
    }
    await failure;
    expect(requests()).toBe(13);
    expect(pauses.map((seconds) => seconds.toFixed(1))).toEqual([
      ...['1.0', '1.0', '1.0', '1.0', '1.0'],
      ...['1.3', '1.6', '2.0', '2.4', '3.1', '3.8'],
    ]);
  });

  it('it is left alone for as long as Retry-After says', async () => {
    stopClock();
    const provider = await open();
    server.failNext({ status: 429, retryAfterSeconds: 120 });
    const failure = nextFailure(provider);
    await passTo(provider.status.token!.refreshAt);
    await failure;
    const rotated = nextRotation(provider);
    await vi.advanceTimersByTimeAsync(119_999);
    expect(requests()).toBe(2);
    await vi.advanceTimersByTimeAsync(1_001);
    await rotated;
    expect(requests()).toBe(3);
  });
});
