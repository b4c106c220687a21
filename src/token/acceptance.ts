import type { CauseOption } from '../errors/cause-option.js';
import { TokenClaimError, TokenExpiredError, TokenFileError } from '../errors.js';
import type { BoundToken } from './bound-token.js';

/** What a token must be to be accepted. An empty list accepts any value. */
export interface TokenExpectation {
  readonly audiences: readonly string[];
  readonly issuers: readonly string[];
  readonly subjects: readonly string[];
  readonly clockToleranceSeconds: number;
  readonly expiryMarginSeconds: number;
}

/**
 * Throws unless the token may be put to use now: issued for one of the audiences, by one of the issuers, to one of the
 * subjects, valid already (within the clock tolerance) and not within the margin of its expiry.
 */
export function assertAcceptable(token: BoundToken, expected: TokenExpectation, nowMs: number): void {
  assertBoundToken(token);
  assertAudience(token, expected.audiences);
  assertOneOf(token.issuer, expected.issuers, 'ERR_TOKEN_ISSUER', 'iss', 'issuer');
  assertOneOf(token.subject, expected.subjects, 'ERR_TOKEN_SUBJECT', 'sub', 'subject');
  assertValidByNow(token, expected.clockToleranceSeconds, nowMs);
  assertNotExpired(token, expected.expiryMarginSeconds, nowMs);
}

/** The moment from which on the token is not handed out any more. */
export function usableUntilMs(token: BoundToken, expiryMarginSeconds: number): number {
  return ((token.claims.exp ?? Number.NEGATIVE_INFINITY) - expiryMarginSeconds) * 1000;
}

/** Throws `ERR_TOKEN_AUDIENCE` unless the token carries one of the audiences; an empty list accepts any. */
export function assertAudience(token: BoundToken, audiences: readonly string[]): void {
  if (audiences.length === 0 || audiences.some((audience) => token.audiences.includes(audience))) return;
  const found = shorten(token.audiences);
  throw new TokenClaimError(
    'ERR_TOKEN_AUDIENCE',
    `The token is for the audience ${list(found)}, not for ${list(audiences)}. ` +
      'Set serviceAccountToken.audience of the projected volume in the pod manifest to the expected audience, or mount the token that has it.',
    { claim: 'aud', expected: audiences, found },
  );
}

function assertBoundToken(token: BoundToken): void {
  if (token.claims.exp !== undefined) return;
  // Legacy tokens are told by their flat claims (kubernetes/kubernetes pkg/serviceaccount/legacy.go).
  if (token.issuer === 'kubernetes/serviceaccount') {
    throw new TokenClaimError(
      'ERR_TOKEN_LEGACY',
      'This is a legacy token from a Secret: it never expires and has no audience. ' +
        'Mount a bound token instead: a projected volume with a serviceAccountToken source.',
      { claim: 'exp' },
    );
  }
  throw new TokenClaimError(
    'ERR_TOKEN_NO_EXPIRY',
    'The token has no expiry (claim "exp"), so it is not a bound service account token. ' +
      'Mount one: a projected volume with a serviceAccountToken source.',
    { claim: 'exp' },
  );
}

function assertOneOf(
  found: string | undefined,
  expected: readonly string[],
  code: 'ERR_TOKEN_ISSUER' | 'ERR_TOKEN_SUBJECT',
  claim: string,
  word: string,
): void {
  if (expected.length === 0 || expected.some((value) => value === found)) return;
  const shown = shorten(found === undefined ? [] : [found]);
  throw new TokenClaimError(
    code,
    `The ${word} of the token is ${list(shown)}, not ${list(expected)}. ` +
      (claim === 'sub'
        ? 'Set serviceAccountName in the pod manifest to the expected service account, or correct the option "subject".'
        : 'Correct the option "issuer", or find out which cluster this pod runs in (API server flag --service-account-issuer).'),
    { claim, expected, found: shown },
  );
}

function assertValidByNow(token: BoundToken, clockToleranceSeconds: number, nowMs: number): void {
  for (const claim of ['nbf', 'iat'] as const) {
    const seconds = token.claims[claim];
    if (seconds === undefined || seconds * 1000 <= nowMs + clockToleranceSeconds * 1000) continue;
    const at = new Date(seconds * 1000).toISOString();
    throw new TokenClaimError(
      'ERR_TOKEN_NOT_YET_VALID',
      `The token is valid from ${at} on (claim "${claim}"), and the clock says ${new Date(nowMs).toISOString()}. ` +
        'Check the clocks of this node and of the API server.',
      { claim, expected: [`at most ${new Date(nowMs + clockToleranceSeconds * 1000).toISOString()}`], found: [at] },
    );
  }
}

function assertNotExpired(token: BoundToken, expiryMarginSeconds: number, nowMs: number): void {
  if (nowMs < usableUntilMs(token, expiryMarginSeconds)) return;
  throw expiredError(token, expiryMarginSeconds, nowMs);
}

/** The error for a token that is past its expiry, or within the margin of it. */
export function expiredError(
  token: BoundToken,
  expiryMarginSeconds: number,
  nowMs: number,
  options?: CauseOption,
): TokenExpiredError {
  const expiresAt = token.expiresAt!;
  const when =
    nowMs < expiresAt.getTime()
      ? `expires at ${expiresAt.toISOString()}, within the margin of ${expiryMarginSeconds} s`
      : `expired at ${expiresAt.toISOString()}`;
  return new TokenExpiredError(
    `The token (${token.fingerprint}) ${when}, and no newer one is in its place. ` +
      'The kubelet replaces it at 80 % of its life: check that the pod is not terminating, that the file is not a subPath mount ' +
      '(those are never updated), and the events of the pod and the kubelet.',
    { ...options, expiresAt },
  );
}

/** Adds the file to an error that was thrown by a function that only saw its text. */
export function withPath(error: unknown, path: string): unknown {
  if (error instanceof TokenFileError && error.path === undefined) {
    const message = `${path}: ${error.message} Check that this is the path of the token, and what else writes to it.`;
    return new TokenFileError(error.code, message, { path, cause: error.cause });
  }
  return error;
}

// A claim is no secret, but it is the other side's text: it must not flood a log.
function shorten(values: readonly string[]): readonly string[] {
  const shown = values.slice(0, 10).map((value) => (value.length > 200 ? `${value.slice(0, 200)}…` : value));
  return values.length > 10 ? [...shown, `… ${values.length - 10} more`] : shown;
}

function list(values: readonly string[]): string {
  return values.length === 0 ? '(none)' : values.map((value) => JSON.stringify(value)).join(', ');
}
