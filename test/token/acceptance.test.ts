import { TokenClaimError, TokenExpiredError, TokenFileError } from 'projected-token';
import { describe, expect, it } from 'vitest';
import {
  assertAcceptable,
  expiredError,
  type TokenExpectation,
  usableUntilMs,
  withPath,
} from '../../src/token/acceptance.js';
import { BoundToken } from '../../src/token/bound-token.js';
import { thrownBy } from '../helpers/thrown-by.js';

const NOW_MS = Date.parse('2026-03-01T12:00:00Z');
const NOW = NOW_MS / 1000;

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

function tokenOf(claims: Record<string, unknown> = {}): BoundToken {
  const all = {
    iss: 'issuer',
    sub: 'subject',
    aud: ['vault'],
    iat: NOW - 60,
    nbf: NOW - 60,
    exp: NOW + 600,
    ...claims,
  };
  return BoundToken.parse(`${base64({ alg: 'RS256' })}.${base64(all)}.c2lnbmF0dXJl`);
}

const ANY: TokenExpectation = {
  audiences: [],
  issuers: [],
  subjects: [],
  clockToleranceSeconds: 60,
  expiryMarginSeconds: 10,
};

/** What is thrown for a token with these claims. */
function refusal(claims: Record<string, unknown>, expected: Partial<TokenExpectation> = {}): Error {
  return thrownBy(() => assertAcceptable(tokenOf(claims), { ...ANY, ...expected }, NOW_MS));
}

describe('a token is accepted', () => {
  it.each<[string, Record<string, unknown>, Partial<TokenExpectation>]>([
    ['when nothing is expected of it', {}, {}],
    ['without an audience when none is expected', { aud: undefined, iss: undefined, sub: undefined }, {}],
    ['with the audience', { aud: 'vault' }, { audiences: ['vault'] }],
    ['with one of the audiences', { aud: ['a', 'b'] }, { audiences: ['b', 'c'] }],
    ['with one of the issuers', { iss: 'b' }, { issuers: ['a', 'b'] }],
    ['with one of the subjects', { sub: 'b' }, { subjects: ['a', 'b'] }],
    ['without iat and nbf', { iat: undefined, nbf: undefined }, {}],
    ['as early as the clock tolerance allows', { iat: NOW + 60, nbf: NOW + 60 }, {}],
    ['without tolerance from its first moment on', { iat: NOW, nbf: NOW }, { clockToleranceSeconds: 0 }],
    ['until the margin before its expiry', { exp: NOW + 10.001 }, {}],
    ['without margin until its last moment', { exp: NOW + 0.001 }, { expiryMarginSeconds: 0 }],
    ['past its warnafter', { 'kubernetes.io': { warnafter: NOW - 1 } }, {}],
  ])('%s', (_, claims, expected) => {
    expect(() => assertAcceptable(tokenOf(claims), { ...ANY, ...expected }, NOW_MS)).not.toThrow();
  });
});

describe('a token is refused', () => {
  const LEGACY = { iss: 'kubernetes/serviceaccount', exp: undefined };
  it.each<[string, Record<string, unknown>, Partial<TokenExpectation>, object]>([
    [
      'without an expiry',
      { exp: undefined },
      {},
      { code: 'ERR_TOKEN_NO_EXPIRY', claim: 'exp', expected: [], found: [] },
    ],
    ['of a Secret', LEGACY, {}, { code: 'ERR_TOKEN_LEGACY', claim: 'exp', expected: [], found: [] }],
    [
      'of a Secret, before anything else',
      { ...LEGACY, aud: undefined },
      { audiences: ['vault'] },
      { code: 'ERR_TOKEN_LEGACY' },
    ],
    [
      'for another audience',
      {},
      { audiences: ['a', 'b'] },
      { code: 'ERR_TOKEN_AUDIENCE', claim: 'aud', expected: ['a', 'b'], found: ['vault'] },
    ],
    ['for a longer audience', { aud: 'vaults' }, { audiences: ['vault'] }, { code: 'ERR_TOKEN_AUDIENCE' }],
    ['for no audience', { aud: undefined }, { audiences: ['vault'] }, { code: 'ERR_TOKEN_AUDIENCE', found: [] }],
    [
      'for an empty list of audiences',
      { aud: [] },
      { audiences: ['vault'] },
      { code: 'ERR_TOKEN_AUDIENCE', found: [] },
    ],
    [
      'by another issuer',
      {},
      { issuers: ['a'] },
      { code: 'ERR_TOKEN_ISSUER', claim: 'iss', expected: ['a'], found: ['issuer'] },
    ],
    ['by nobody', { iss: undefined }, { issuers: ['a'] }, { code: 'ERR_TOKEN_ISSUER', found: [] }],
    [
      'to another subject',
      {},
      { subjects: ['a'] },
      { code: 'ERR_TOKEN_SUBJECT', claim: 'sub', expected: ['a'], found: ['subject'] },
    ],
    ['to nobody', { sub: undefined }, { subjects: ['a'] }, { code: 'ERR_TOKEN_SUBJECT', found: [] }],
    [
      'a moment before its nbf',
      { nbf: NOW + 60.001 },
      {},
      {
        code: 'ERR_TOKEN_NOT_YET_VALID',
        claim: 'nbf',
        found: ['2026-03-01T12:01:00.001Z'],
        expected: ['at most 2026-03-01T12:01:00.000Z'],
      },
    ],
    ['a moment before its iat', { iat: NOW + 60.001 }, {}, { code: 'ERR_TOKEN_NOT_YET_VALID', claim: 'iat' }],
    [
      'a second early without tolerance',
      { nbf: NOW + 1 },
      { clockToleranceSeconds: 0 },
      { code: 'ERR_TOKEN_NOT_YET_VALID' },
    ],
    [
      'at the margin before its expiry',
      { exp: NOW + 10 },
      {},
      { code: 'ERR_TOKEN_EXPIRED', expiresAt: new Date(NOW_MS + 10_000) },
    ],
    [
      'at its expiry',
      { exp: NOW },
      { expiryMarginSeconds: 0 },
      { code: 'ERR_TOKEN_EXPIRED', expiresAt: new Date(NOW_MS) },
    ],
    [
      'past its expiry, whatever the clock tolerance',
      { exp: NOW - 1 },
      { clockToleranceSeconds: 3600 },
      { code: 'ERR_TOKEN_EXPIRED' },
    ],
  ])('%s', (_, claims, expected, error) => {
    expect(refusal(claims, expected)).toMatchObject(error);
  });

  it.each<[string, Record<string, unknown>, Partial<TokenExpectation>, RegExp]>([
    [
      'no expiry',
      { exp: undefined },
      {},
      /^The token has no expiry \(claim "exp"\).*Mount one: a projected volume with a serviceAccountToken source\.$/,
    ],
    [
      'a Secret',
      LEGACY,
      {},
      /^This is a legacy token from a Secret.*Mount a bound token instead: a projected volume with a serviceAccountToken source\.$/,
    ],
    [
      'audience',
      { aud: ['x', 'y'] },
      { audiences: ['a', 'b'] },
      /^The token is for the audience "x", "y", not for "a", "b"\. Set serviceAccountToken\.audience of the projected volume/,
    ],
    ['no audience', { aud: [] }, { audiences: ['a'] }, /audience \(none\), not for "a"/],
    [
      'issuer',
      {},
      { issuers: ['a'] },
      /^The issuer of the token is "issuer", not "a"\. Correct the option "issuer".*--service-account-issuer/,
    ],
    [
      'subject',
      {},
      { subjects: ['a'] },
      /^The subject of the token is "subject", not "a"\. Set serviceAccountName in the pod manifest/,
    ],
    ['no subject', { sub: undefined }, { subjects: ['a'] }, /^The subject of the token is \(none\), not "a"/],
    [
      'not yet',
      { nbf: NOW + 61 },
      {},
      /^The token is valid from 2026-03-01T12:01:01\.000Z on \(claim "nbf"\), and the clock says 2026-03-01T12:00:00\.000Z\. Check the clocks/,
    ],
  ])('and told why: %s', (_, claims, expected, message) => {
    expect(refusal(claims, expected)).toMatchObject({ message: expect.stringMatching(message) });
  });

  it('without a flood of what it claims', () => {
    const audiences = ['x'.repeat(200), 'y'.repeat(201), ...Array.from({ length: 20 }, (_, index) => `a${index}`)];
    const error = refusal({ aud: audiences }, { audiences: ['vault'] }) as TokenClaimError;
    expect(error.found).toEqual(['x'.repeat(200), `${'y'.repeat(200)}…`, ...audiences.slice(2, 10), '… 12 more']);
    expect(error.message.length).toBeLessThan(1000);
    const ten = refusal({ aud: audiences.slice(2, 12) }, { audiences: ['vault'] }) as TokenClaimError;
    expect(ten.found).toEqual(audiences.slice(2, 12));
    const issuer = refusal({ iss: 'z'.repeat(1000) }, { issuers: ['a'] }) as TokenClaimError;
    expect(issuer.found).toEqual([`${'z'.repeat(200)}…`]);
  });
});

describe('the end of its use', () => {
  it.each([
    [NOW, 0, NOW_MS],
    [NOW, 10, NOW_MS - 10_000],
    [NOW + 0.5, 10, NOW_MS - 9500],
  ])('with exp %d and a margin of %d s is at %d', (exp, margin, ms) => {
    expect(usableUntilMs(tokenOf({ exp }), margin)).toBe(ms);
  });

  it('without exp was before all time', () => {
    expect(usableUntilMs(tokenOf({ exp: undefined }), 10)).toBe(Number.NEGATIVE_INFINITY);
  });

  it.each([
    ['expired at 2026-03-01T12:00:00.000Z', NOW_MS],
    ['expires at 2026-03-01T12:00:00.000Z, within the margin of 10 s', NOW_MS - 1],
  ])('is told: %s', (when, nowMs) => {
    const token = tokenOf({ exp: NOW });
    const cause = new Error('no file');
    const error = expiredError(token, 10, nowMs, { cause });
    expect(error).toBeInstanceOf(TokenExpiredError);
    expect(error.cause).toBe(cause);
    expect(error.message).toContain(`The token (${token.fingerprint}) ${when}, and no newer one is in its place. `);
    expect(error.message).toMatch(/80 % of its life.*terminating.*subPath.*the events of the pod and the kubelet\.$/);
  });
});

describe('withPath', () => {
  it('adds the file to the error of one that saw its text only', () => {
    const cause = new Error('cause');
    const error = withPath(new TokenFileError('ERR_TOKEN_MALFORMED', 'No token.', { cause }), '/mnt/token');
    expect(error).toBeInstanceOf(TokenFileError);
    expect(error).toMatchObject({
      code: 'ERR_TOKEN_MALFORMED',
      message: expect.stringMatching(/^\/mnt\/token: No token\. Check that this is the path of the token/),
      path: '/mnt/token',
      cause,
    });
  });

  it.each([
    new TokenFileError('ERR_TOKEN_EMPTY', 'Empty.', { path: '/elsewhere' }),
    new TokenClaimError('ERR_TOKEN_LEGACY', 'Legacy.', { claim: 'exp' }),
    new Error('any other'),
  ])('leaves %s as it is', (error) => {
    expect(withPath(error, '/mnt/token')).toBe(error);
  });
});
