import type { CauseOption } from './cause-option.js';
import type { TokenClaimErrorCode } from './codes.js';
import { ProjectedTokenError } from './projected-token-error.js';

/** The token is a JWT, but not the one asked for: a claim is missing or has another value than expected. */
export class TokenClaimError extends ProjectedTokenError {
  readonly code: TokenClaimErrorCode;
  /** Name of the claim that failed (RFC 7519 section 4.1), such as `aud`. */
  readonly claim: string;
  /** What the options asked for. */
  readonly expected: readonly string[];
  /** What the token holds; long values are cut. */
  readonly found: readonly string[];

  constructor(
    code: TokenClaimErrorCode,
    message: string,
    details: { claim: string; expected?: readonly string[]; found?: readonly string[] } & CauseOption,
  ) {
    super(message, details);
    this.code = code;
    this.claim = details.claim;
    this.expected = details.expected ?? [];
    this.found = details.found ?? [];
  }
}
