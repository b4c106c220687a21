import { createTokenVerifier, type TokenVerifierOptions } from 'projected-token/verify';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { setClock } from '../helpers/fake-clock.js';
import { rejectionOf } from '../helpers/federation.js';
import { ForgingIssuer } from '../helpers/forging-issuer.js';
import { ACCEPTED, reviewed, serveReviews } from '../helpers/review-server.js';

const HOUR_SECONDS = 3_600;

let issuer: ForgingIssuer;
beforeAll(async () => {
  issuer = await ForgingIssuer.start();
});
afterAll(() => issuer.close());
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const verifierOf = (apiServer: string, options: Partial<TokenVerifierOptions> = {}) =>
  createTokenVerifier({ issuer: issuer.url, audience: 'billing', apiServer, ...options });

/** A token that is in its time now, and was an hour ago. */
const lastingToken = () => {
  const now = Math.floor(Date.now() / 1000);
  return issuer.sign(
    issuer.claims({ iat: now - 2 * HOUR_SECONDS, nbf: now - 2 * HOUR_SECONDS, exp: now + 4 * HOUR_SECONDS }),
  );
};

describe('A clock that is set back by an hour', () => {
  it('does not stretch the pause after a failure of the issuer', async () => {
    let keys: 'shown' | 'forbidden' = 'forbidden';
    const server = await serveReviews(
      issuer,
      () => ACCEPTED,
      () => keys,
    );
    const verifier = verifierOf(server.origin);
    const token = lastingToken();
    expect(await rejectionOf(verifier.verify(token))).toHaveProperty('code', 'ERR_VERIFY_UNAVAILABLE');
    keys = 'shown';
    setClock(-HOUR_SECONDS);
    vi.advanceTimersByTime(5_000);
    await verifier.verify(token);
  });

  it('does not let a revoked token pass for longer than 10 s', async () => {
    let answer = ACCEPTED;
    const server = await serveReviews(issuer, () => answer);
    const verifier = verifierOf(server.origin, { method: 'token-review' });
    const token = lastingToken();
    await verifier.verify(token);
    answer = reviewed({ user: {}, error: 'service account token has been invalidated' });
    setClock(-HOUR_SECONDS);
    vi.advanceTimersByTime(9_999);
    await verifier.verify(token);
    vi.advanceTimersByTime(1);
    expect(await rejectionOf(verifier.verify(token))).toHaveProperty('code', 'ERR_VERIFY_REVOKED');
  });

  it('does not keep a token out for longer than 2 s', async () => {
    let answer = reviewed({ user: {}, error: 'not yet' });
    const server = await serveReviews(issuer, () => answer);
    const verifier = verifierOf(server.origin, { method: 'token-review' });
    const token = lastingToken();
    await rejectionOf(verifier.verify(token));
    answer = ACCEPTED;
    setClock(-HOUR_SECONDS);
    vi.advanceTimersByTime(2_000);
    await verifier.verify(token);
  });

  it('does not keep withdrawn keys in use for longer', async () => {
    const server = await serveReviews(issuer, () => ACCEPTED);
    const verifier = verifierOf(server.origin);
    const token = lastingToken();
    await verifier.verify(token);
    setClock(-HOUR_SECONDS);
    vi.advanceTimersByTime(10 * 60_000 + 1);
    await verifier.verify(token);
    await vi.waitFor(() => expect(server.keyRequests()).toBe(3));
  });
});

it('A clock that is set forward by an hour does not make the keys too old', async () => {
  let keys: 'shown' | 'forbidden' = 'shown';
  const server = await serveReviews(
    issuer,
    () => ACCEPTED,
    () => keys,
  );
  const verifier = verifierOf(server.origin);
  const token = lastingToken();
  await verifier.verify(token);
  keys = 'forbidden';
  setClock(HOUR_SECONDS + 1);
  await verifier.verify(token);
  expect(server.keyRequests()).toBe(2);
});
