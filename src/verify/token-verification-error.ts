import type { CauseOption } from '../errors/cause-option.js';
import { ProjectedTokenError, type TokenVerificationErrorCode } from '../errors.js';

/**
 * Thrown if a token is rejected, or cannot be checked. The message is for the log of the service that received it, and says more than a
 * caller should learn.
 *
 * | `code` | meaning |
 * |---|---|
 * | `ERR_VERIFY_MALFORMED` | not a JSON Web Token, or an ambiguous one, with a duplicate name in its JSON |
 * | `ERR_VERIFY_HEADER` | its header has a forbidden parameter, or no key id |
 * | `ERR_VERIFY_ALGORITHM` | signed with an algorithm that is not allowed, or not at all |
 * | `ERR_VERIFY_ISSUER`, `ERR_VERIFY_AUDIENCE` | from another issuer, or for another audience |
 * | `ERR_VERIFY_EXPIRED`, `ERR_VERIFY_NOT_YET_VALID` | expired, or not valid yet |
 * | `ERR_VERIFY_CLAIM` | a required claim is missing, or contradicts another |
 * | `ERR_VERIFY_KEY`, `ERR_VERIFY_SIGNATURE` | signed with an unknown key, or changed after it was signed |
 * | `ERR_VERIFY_REVOKED` | the API server rejects it (TokenReview) |
 * | `ERR_VERIFY_FORBIDDEN` | genuine, but its service account is not on the allow-lists |
 * | `ERR_VERIFY_UNAVAILABLE` | the keys or the API server cannot be reached; the token may be valid |
 */
export class TokenVerificationError extends ProjectedTokenError {
  readonly code: TokenVerificationErrorCode;
  /** The claim or header parameter that failed, if any. */
  readonly claim: string | undefined;

  constructor(code: TokenVerificationErrorCode, message: string, options: CauseOption & { claim?: string } = {}) {
    super(message, options);
    this.code = code;
    this.claim = options.claim;
  }
}
