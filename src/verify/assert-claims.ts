import type { BoundTokenClaims } from '../token/claims.js';
import { showValues } from './show-values.js';
import { TokenVerificationError } from './token-verification-error.js';

/** Requirements for the claims of a token. */
export interface ClaimsPolicy {
  readonly audiences: readonly string[];
  readonly clockToleranceSeconds: number;
}

/**
 * Throws unless the token is for one of the audiences, not expired and already valid.
 *
 * @throws `ERR_VERIFY_AUDIENCE`, `ERR_VERIFY_EXPIRED`, `ERR_VERIFY_NOT_YET_VALID`, `ERR_VERIFY_CLAIM`
 */
export function assertClaims(claims: BoundTokenClaims, policy: ClaimsPolicy, nowMs: number): void {
  const { audiences, clockToleranceSeconds } = policy;
  if (!audiencesOf(claims).some((audience) => audiences.includes(audience))) {
    throw new TokenVerificationError(
      'ERR_VERIFY_AUDIENCE',
      `The token is for ${showValues(audiencesOf(claims))}, not for ${showValues(audiences)}. ` +
        'Mount a token with the expected audience at the sender (serviceAccountToken.audience in its pod manifest).',
      { claim: 'aud' },
    );
  }
  const toleranceMs = clockToleranceSeconds * 1000;
  const { exp } = claims;
  if (exp === undefined) {
    throw new TokenVerificationError('ERR_VERIFY_CLAIM', 'The token has no expiry (claim "exp").', { claim: 'exp' });
  }
  if (nowMs >= exp * 1000 + toleranceMs) {
    throw new TokenVerificationError(
      'ERR_VERIFY_EXPIRED',
      `The token expired at ${iso(exp)}, and the clock says ${iso(nowMs / 1000)}. The sender must read its token file again.`,
      { claim: 'exp' },
    );
  }
  for (const claim of ['nbf', 'iat'] as const) {
    const seconds = claims[claim];
    if (seconds === undefined || seconds * 1000 <= nowMs + toleranceMs) continue;
    throw new TokenVerificationError(
      'ERR_VERIFY_NOT_YET_VALID',
      `The token is valid from ${iso(seconds)} on (claim "${claim}"), and the clock says ${iso(nowMs / 1000)}. Check the clock of this machine.`,
      { claim },
    );
  }
}

/** Returns the claim `aud` as a list; RFC 7519 section 4.1.3 allows a single string. */
export function audiencesOf({ aud = [] }: BoundTokenClaims): readonly string[] {
  return typeof aud === 'string' ? [aud] : aud;
}

function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
