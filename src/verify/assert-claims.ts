import type { BoundToken } from '../token/bound-token.js';
import { TokenVerificationError } from './token-verification-error.js';

/** What the claims of a token must say. */
export interface ClaimsPolicy {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly clockToleranceSeconds: number;
}

/**
 * Throws unless the token was made by the issuer, for one of the audiences, and is in its time.
 *
 * @throws `ERR_VERIFY_ISSUER`, `ERR_VERIFY_AUDIENCE`, `ERR_VERIFY_EXPIRED`, `ERR_VERIFY_NOT_YET_VALID`, `ERR_VERIFY_CLAIM`
 */
export function assertClaims(token: BoundToken, policy: ClaimsPolicy, nowMs: number): void {
  const { issuer, audiences, clockToleranceSeconds } = policy;
  if (token.issuer !== issuer) {
    throw new TokenVerificationError(
      'ERR_VERIFY_ISSUER',
      `The issuer of the token is ${show([token.issuer ?? ''])}, not ${show([issuer])}.`,
      { claim: 'iss' },
    );
  }
  if (!token.audiences.some((audience) => audiences.includes(audience))) {
    throw new TokenVerificationError(
      'ERR_VERIFY_AUDIENCE',
      `The token is for ${show(token.audiences)}, not for ${show(audiences)}. ` +
        'The sender has to mount a token with the expected audience (serviceAccountToken.audience of its pod manifest).',
      { claim: 'aud' },
    );
  }
  const toleranceMs = clockToleranceSeconds * 1000;
  const { exp } = token.claims;
  if (exp === undefined) {
    throw new TokenVerificationError('ERR_VERIFY_CLAIM', 'The token has no expiry (claim "exp").', { claim: 'exp' });
  }
  if (nowMs >= exp * 1000 + toleranceMs) {
    throw new TokenVerificationError(
      'ERR_VERIFY_EXPIRED',
      `The token expired at ${iso(exp)}, and the clock says ${iso(nowMs / 1000)}. The sender has to read its token file again.`,
      { claim: 'exp' },
    );
  }
  for (const claim of ['nbf', 'iat'] as const) {
    const seconds = token.claims[claim];
    if (seconds === undefined || seconds * 1000 <= nowMs + toleranceMs) continue;
    throw new TokenVerificationError(
      'ERR_VERIFY_NOT_YET_VALID',
      `The token is valid from ${iso(seconds)} on (claim "${claim}"), and the clock says ${iso(nowMs / 1000)}. Check the clock of this machine.`,
      { claim },
    );
  }
}

function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

// The other side's text: it must not flood or forge lines of a log.
function show(values: readonly string[]): string {
  const shown = values.slice(0, 5).map((value) => JSON.stringify(value.slice(0, 200)));
  return shown.length === 0 ? '(nobody)' : shown.join(', ') + (values.length > 5 ? ', …' : '');
}
