import { setImmediate as nextTurn } from 'node:timers/promises';
import { createTokenVerifier, type TokenVerifierOptions } from 'projected-token/verify';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { rejectionOf } from '../helpers/federation.js';
import { ForgingIssuer } from '../helpers/forging-issuer.js';
import { Gate } from '../helpers/gate.js';
import { ACCEPTED, reviewed, serveReviews } from '../helpers/review-server.js';

let issuer: ForgingIssuer;
beforeAll(async () => {
  issuer = await ForgingIssuer.start();
});
afterAll(() => issuer.close());
afterEach(() => {
  vi.useRealTimers();
});

function verifierOf(apiServer: string, options: Partial<TokenVerifierOptions> = {}) {
  return createTokenVerifier({
    issuer: issuer.url,
    audience: 'billing',
    method: 'token-review',
    apiServer,
    ...options,
  });
}

/** Distinct tokens whose signature is wrong, and all else is right. */
function forge(count: number): string[] {
  const [, , signature] = issuer.sign().split('.');
  const { kid } = issuer;
  return Array.from({ length: count }, (_, n) => {
    const input = [{ alg: 'RS256', kid }, issuer.claims({ jti: String(n) })];
    return [...input.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')), signature].join('.');
  });
}

/** Distinct good tokens. */
function sign(count: number): string[] {
  return Array.from({ length: count }, (_, n) => issuer.sign(issuer.claims({ jti: String(n) })));
}

describe('Many tokens by TokenReview', () => {
  it('1,500 forged ones cost no review where the keys can be had', async () => {
    const server = await serveReviews(issuer, () => ACCEPTED);
    const verifier = verifierOf(server.origin);
    const outcomes = forge(1500).map((token) => rejectionOf(verifier.verify(token)));
    await verifier.verify(issuer.sign());
    expect(new Set((await Promise.all(outcomes)).map(({ code }) => code))).toEqual(new Set(['ERR_VERIFY_SIGNATURE']));
    expect(server.reviews()).toBe(1);
  });

  it('asks for 16 reviews at once, of those that came first, then for the newest', async () => {
    const order: string[] = [];
    const open = new Gate();
    let [atOnce, most] = [0, 0];
    const server = await serveReviews(
      issuer,
      async (token) => {
        order.push(token);
        most = Math.max(most, ++atOnce);
        await open.opened;
        atOnce -= 1;
        return ACCEPTED;
      },
      'forbidden',
    );
    const verifier = verifierOf(server.origin);
    const tokens = sign(40);
    const first = tokens.slice(0, 16).map((token) => verifier.verify(token));
    await vi.waitFor(() => expect(order).toHaveLength(16), { timeout: 20_000 });
    const second = tokens.slice(16, 39).map((token) => verifier.verify(token));
    // All of them wait for a review, as a few are read in a turn.
    for (let turn = 0; turn < 20; turn++) await nextTurn();
    const newest = verifier.verify(tokens[39]!);
    await nextTurn();
    open.open();
    await Promise.all([...first, ...second, newest]);
    expect(most).toBe(16);
    expect(order).toHaveLength(40);
    // Those that begin at once may overtake each other on their way.
    expect(order.slice(16, 32)).toContain(tokens[39]);
  });

  it('ends all that wait for an API server that hangs, and goes on after that', async () => {
    let hangs = true;
    const server = await serveReviews(issuer, () => (hangs ? new Promise(() => {}) : ACCEPTED), 'forbidden');
    const verifier = verifierOf(server.origin, { timeoutMs: 300 });
    const errors = await Promise.all(sign(20).map((token) => rejectionOf(verifier.verify(token))));
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['ERR_VERIFY_UNAVAILABLE']));
    hangs = false;
    await verifier.verify(issuer.sign());
  });

  it('lets a thousand wait and no more, and refuses the one that has waited longest', async () => {
    const server = await serveReviews(issuer, () => new Promise(() => {}), 'forbidden');
    // Long enough for a busy machine to read them all.
    const verifier = verifierOf(server.origin, { timeoutMs: 4_000 });
    await rejectionOf(verifierOf(server.origin, { timeoutMs: 1 }).verify(issuer.sign()));
    const tokens = forge(1017);
    const settled = vi.fn();
    const errors = tokens.map((token) => rejectionOf(verifier.verify(token)).finally(settled));
    const first = await Promise.race(errors);
    expect(first).toMatchObject({
      code: 'ERR_VERIFY_UNAVAILABLE',
      message: expect.stringContaining('16 are under way, and 1000 that came later wait'),
    });
    expect(settled).toHaveBeenCalledTimes(1);
    await Promise.all(errors);
  });

  it('goes on with reviews alone where the keys cannot be fetched, and asks for them every 5 s', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    const server = await serveReviews(issuer, () => ACCEPTED, 'forbidden');
    const verifier = verifierOf(server.origin);
    for (const token of sign(5)) await verifier.verify(token);
    expect([server.reviews(), server.keyRequests()]).toEqual([5, 1]);
    vi.advanceTimersByTime(5_000);
    for (const token of sign(10).slice(5)) await verifier.verify(token);
    expect([server.reviews(), server.keyRequests()]).toEqual([10, 2]);
  });

  it('asks once for many requests with the same new token, and once in 2 s for a refused one', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    const server = await serveReviews(issuer, () => reviewed({ user: {}, error: 'invalid bearer token' }));
    const verifier = verifierOf(server.origin);
    const token = issuer.sign();
    const attempt = () => Promise.all(Array.from({ length: 20 }, () => rejectionOf(verifier.verify(token))));
    await attempt();
    vi.advanceTimersByTime(1_999);
    await attempt();
    expect(server.reviews()).toBe(1);
    vi.advanceTimersByTime(1);
    expect(new Set((await attempt()).map(({ code }) => code))).toEqual(new Set(['ERR_VERIFY_REVOKED']));
    expect(server.reviews()).toBe(2);
  });
});
