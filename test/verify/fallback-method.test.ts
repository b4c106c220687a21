import { createTokenVerifier, type TokenVerifierOptions } from 'projected-token/verify';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { LoopbackResponse } from '../../src/testing/loopback-server.js';
import { rejectionOf } from '../helpers/federation.js';
import { ForgingIssuer } from '../helpers/forging-issuer.js';
import { ACCEPTED, reviewed, serveReviews } from '../helpers/review-server.js';

let issuer: ForgingIssuer;
beforeAll(async () => {
  issuer = await ForgingIssuer.start();
});
afterAll(() => issuer.close());
afterEach(() => {
  vi.useRealTimers();
});

const verifierOf = (apiServer: string, options: Partial<TokenVerifierOptions> = {}) =>
  createTokenVerifier({
    issuer: issuer.url,
    audience: 'billing',
    method: 'token-review',
    fallbackMethod: 'key-set',
    apiServer,
    ...options,
  });

const tokenNumber = (n: number) => issuer.sign(issuer.claims({ jti: String(n) }));

describe('fallbackMethod "key-set"', () => {
  it.each<[string, () => Partial<LoopbackResponse> | Promise<Partial<LoopbackResponse>>]>([
    ['answers 503', () => ({ status: 503 })],
    ['answers 429', () => ({ status: 429 })],
    ['hangs', () => new Promise(() => {})],
  ])('accepts a token by its signature while the API server %s, and asks again after 5 s', async (_what, answer) => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    let review = answer;
    const server = await serveReviews(issuer, () => review());
    // The keys are fetched within it as well.
    const verifier = verifierOf(server.origin, { timeoutMs: 1_000 });
    for (let n = 0; n < 10; n++) {
      expect(await verifier.verify(tokenNumber(n))).toMatchObject({ namespace: 'shop' });
      await verifier.verify(tokenNumber(0));
    }
    expect(server.reviews(), 'the API server is left alone').toBe(1);
    vi.advanceTimersByTime(5_000);
    review = () => reviewed({ user: {}, error: 'service account token has been invalidated' });
    expect(await rejectionOf(verifier.verify(tokenNumber(0)))).toHaveProperty('code', 'ERR_VERIFY_REVOKED');
    expect(server.reviews()).toBe(2);
  });

  it('does not accept a forged token', async () => {
    const server = await serveReviews(issuer, () => ({ status: 503 }));
    const forged = issuer.sign().slice(0, -4).concat('AAAA');
    expect(await rejectionOf(verifierOf(server.origin).verify(forged))).toHaveProperty('code', 'ERR_VERIFY_SIGNATURE');
  });

  it('accepts nothing where the keys cannot be had either', async () => {
    const server = await serveReviews(issuer, () => ({ status: 503 }), 'forbidden');
    const error = await rejectionOf(verifierOf(server.origin).verify(issuer.sign()));
    expect(error).toMatchObject({ code: 'ERR_VERIFY_UNAVAILABLE', message: expect.stringContaining('503') });
  });

  it.each<[string, Partial<LoopbackResponse>]>([
    ['this service may not ask', { status: 403 }],
    ['the answer is no review', { status: 200, body: '{}' }],
  ])('does not hide that %s', async (_what, answer) => {
    const server = await serveReviews(issuer, () => answer);
    const error = await rejectionOf(verifierOf(server.origin).verify(issuer.sign()));
    expect(error).toHaveProperty('code', 'ERR_VERIFY_UNAVAILABLE');
  });

  it('is off unless it is asked for', async () => {
    let answer: Partial<LoopbackResponse> = { status: 503 };
    const server = await serveReviews(issuer, () => answer);
    const verifier = verifierOf(server.origin, { fallbackMethod: undefined as never });
    expect(await rejectionOf(verifier.verify(issuer.sign()))).toHaveProperty('code', 'ERR_VERIFY_UNAVAILABLE');
    answer = ACCEPTED;
    await verifier.verify(issuer.sign());
  });
});
