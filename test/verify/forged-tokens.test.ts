import { ProjectedTokenError } from 'projected-token';
import { createTokenVerifier, TokenVerificationError, type TokenVerifierOptions } from 'projected-token/verify';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { expectNoToken, rejectionOf } from '../helpers/federation.js';
import { FORGED_TOKENS } from '../helpers/forged-tokens.js';
import { ForgingIssuer } from '../helpers/forging-issuer.js';

afterEach(() => {
  vi.useRealTimers();
});

describe('Forged tokens', () => {
  let issuer: ForgingIssuer;
  beforeAll(async () => {
    issuer = await ForgingIssuer.start();
  });
  afterAll(() => issuer.close());

  const verifierOf = (options: Partial<TokenVerifierOptions> = {}) =>
    createTokenVerifier({ issuer: issuer.url, audience: 'billing', ca: issuer.ca, ...options });

  it('the issuer can make a token that is accepted', async () => {
    expect(await verifierOf().verify(issuer.sign())).toMatchObject({ namespace: 'shop', audiences: ['billing'] });
  });

  it.each(FORGED_TOKENS)('%s is refused', async (_name, forge, code) => {
    const token = forge(issuer);
    const error = await rejectionOf(verifierOf().verify(token));
    expect(error).toBeInstanceOf(TokenVerificationError);
    expect(error).toBeInstanceOf(ProjectedTokenError);
    expect(error.code).toBe(code);
    if (/^[^.]{20,}\.[^.]{20,}\.[^.]{20,}$/.test(token)) expectNoToken(error, token);
  });

  it('are refused before anybody is asked, whatever else may be wrong with them', async () => {
    const before = issuer.keyFetches;
    const verifier = verifierOf();
    for (const claims of [{ exp: 1 }, { iss: 'https://attacker.test' }, { aud: 'mail' }]) {
      await rejectionOf(verifier.verify(issuer.sign(issuer.claims(claims), { alg: 'RS256', kid: 'unknown' })));
    }
    expect(issuer.keyFetches).toBe(before);
  });

  it('tolerates a difference of the clocks of 60 s and no more, unless told otherwise', async () => {
    const now = Math.floor(Date.now() / 1000);
    vi.useFakeTimers({ toFake: ['Date'], now: now * 1000 });
    const verifier = verifierOf();
    await verifier.verify(issuer.sign(issuer.claims({ nbf: now + 60, iat: now + 60 })));
    const expiring = issuer.sign(issuer.claims({ exp: now + 600 }));
    vi.setSystemTime((now + 659) * 1000);
    await verifier.verify(expiring);
    const strict = verifierOf({ clockToleranceSeconds: 0 });
    expect(await rejectionOf(strict.verify(expiring))).toHaveProperty('code', 'ERR_VERIFY_EXPIRED');
    vi.setSystemTime((now + 660) * 1000);
    expect(await rejectionOf(verifier.verify(expiring))).toHaveProperty('code', 'ERR_VERIFY_EXPIRED');
  });

  it('accepts one of several audiences, and a single one in text', async () => {
    const verifier = verifierOf({ audience: ['billing', 'mail'] });
    const token = issuer.sign(issuer.claims({ aud: ['other', 'mail'] }));
    expect(await verifier.verify(token)).toHaveProperty('audiences', ['mail']);
    expect(await verifier.verify(issuer.sign(issuer.claims({ aud: 'billing' })))).toHaveProperty('audiences', [
      'billing',
    ]);
  });
});
