import type { TokenVerifier } from 'projected-token/verify';
import { createTokenVerifier } from 'projected-token/verify';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { checkSignature } from '../../src/verify/check-signature.js';
import { parseToken } from '../../src/verify/parse-token.js';
import { rejectionOf } from '../helpers/federation.js';
import { ForgingIssuer } from '../helpers/forging-issuer.js';
import { serveLoopback } from '../helpers/serve-loopback.js';

vi.mock('../../src/verify/check-signature.js', { spy: true });
vi.mock('../../src/verify/parse-token.js', { spy: true });

let issuer: ForgingIssuer;
beforeAll(async () => {
  issuer = await ForgingIssuer.start();
});
afterAll(() => issuer.close());
afterEach(() => {
  vi.useRealTimers();
});

/** A verifier of the issuer whose key set is what `keys` returns at the time. */
async function verifierWith(keys: () => readonly unknown[]): Promise<TokenVerifier> {
  const server = await serveLoopback(({ url }) => ({
    body: JSON.stringify(url.pathname.endsWith('jwks') ? { keys: keys() } : { issuer: issuer.url }),
  }));
  return createTokenVerifier({ issuer: issuer.url, audience: 'billing', apiServer: server.origin });
}

/** The checks of signatures from now on, which are done all the same. */
const signatureChecks = () => vi.mocked(checkSignature).mockClear();

/** A token with other claims under the same signature. */
function forge(token: string, claims: object): string {
  const [header, , signature] = token.split('.');
  return [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
}

describe('A token that was found genuine', () => {
  it('is not checked again, and gives equal identities that share nothing that can be changed', async () => {
    const verifier = await verifierWith(() => [issuer.jwk]);
    const checks = signatureChecks();
    const token = issuer.sign();
    const first = await verifier.verify(token);
    const second = await verifier.verify(token);
    expect(checks).toHaveBeenCalledTimes(1);
    expect(second).toEqual(first);
    first.expiresAt.setFullYear(1970);
    expect((await verifier.verify(token)).expiresAt).toEqual(second.expiresAt);
    expect(Object.isFrozen(second.claims['kubernetes.io']?.serviceaccount)).toBe(true);
  });

  it('is checked once for many who ask at the same time', async () => {
    const verifier = await verifierWith(() => [issuer.jwk]);
    const checks = signatureChecks();
    const token = issuer.sign();
    await Promise.all(Array.from({ length: 20 }, () => verifier.verify(token)));
    expect(checks).toHaveBeenCalledTimes(1);
  });

  it('is refused once it is expired all the same', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    const verifier = await verifierWith(() => [issuer.jwk]);
    const token = issuer.sign(issuer.claims({ exp: Math.floor(Date.now() / 1000) + 600 }));
    await verifier.verify(token);
    vi.advanceTimersByTime(661_000);
    expect(await rejectionOf(verifier.verify(token))).toHaveProperty('code', 'ERR_VERIFY_EXPIRED');
  });

  it('is checked again when other keys are published, and not when the same ones are fetched in another order', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    const other = { ...issuer.jwk, kid: 'other' };
    let keys: readonly unknown[] = [issuer.jwk, other];
    let fetches = 0;
    const verifier = await verifierWith(() => {
      fetches += 1;
      return keys;
    });
    const checks = signatureChecks();
    const token = issuer.sign();
    const refresh = async (next: readonly unknown[]) => {
      keys = next;
      const before = fetches;
      vi.advanceTimersByTime(10 * 60_000 + 1);
      await verifier.verify(token);
      // An unknown key has them fetched once more, after the fetch in the background.
      const unknown = issuer.sign(issuer.claims(), { alg: 'RS256', kid: 'unknown' });
      expect(await rejectionOf(verifier.verify(unknown))).toHaveProperty('code', 'ERR_VERIFY_KEY');
      expect(fetches).toBe(before + 2);
      return verifier.verify(token);
    };
    await verifier.verify(token);
    await refresh([other, issuer.jwk]);
    expect(checks).toHaveBeenCalledTimes(1);
    await refresh([issuer.jwk]);
    expect(checks).toHaveBeenCalledTimes(2);
    expect(await rejectionOf(refresh([other]))).toHaveProperty('code', 'ERR_VERIFY_KEY');
  });

  it('waits for no more than a few of the forged ones that came before it', async () => {
    const verifier = await verifierWith(() => [issuer.jwk]);
    const token = issuer.sign();
    await verifier.verify(token);
    const forged = Array.from({ length: 100 }, (_, n) => forge(token, issuer.claims({ jti: String(n) })));
    const reads = vi.mocked(parseToken).mockClear();
    const refusals = Promise.allSettled(forged.map((other) => verifier.verify(other)));
    await verifier.verify(token);
    expect(reads.mock.calls.length).toBeLessThanOrEqual(4);
    expect((await refusals).every(({ status }) => status === 'rejected')).toBe(true);
    expect(reads).toHaveBeenCalledTimes(100);
  });

  it('is not forgotten because of forged ones, however many', async () => {
    const verifier = await verifierWith(() => [issuer.jwk]);
    const token = issuer.sign();
    await verifier.verify(token);
    const checks = signatureChecks();
    for (let n = 0; n < 10_500; n += 500) {
      const forged = Array.from({ length: 500 }, (_, more) => forge(token, issuer.claims({ jti: String(n + more) })));
      await Promise.allSettled(forged.map((other) => verifier.verify(other)));
    }
    expect(checks).toHaveBeenCalledTimes(10_500);
    checks.mockClear();
    await verifier.verify(token);
    expect(checks).not.toHaveBeenCalled();
  });
});

describe('A token that was found to be forged', () => {
  it('is not checked again as long as the keys are the same', async () => {
    const verifier = await verifierWith(() => [issuer.jwk]);
    const checks = signatureChecks();
    const token = issuer.sign().slice(0, -4).concat('AAAA');
    for (let n = 0; n < 5; n++) {
      expect(await rejectionOf(verifier.verify(token))).toHaveProperty('code', 'ERR_VERIFY_SIGNATURE');
    }
    expect(checks).toHaveBeenCalledTimes(1);
  });
});
