import type { CauseOption } from '../errors/cause-option.js';
import { ProjectedTokenError, type TokenVerificationErrorCode } from '../errors.js';

/**
 * A token is not accepted, or cannot be checked. The message is for the log of the service that received it, and tells
 * more than a caller should learn.
 *
 * | `code` | meaning |
 * |---|---|
 * | `ERR_VERIFY_MALFORMED` | not a JSON Web Token, or an ambiguous one: a name occurs twice in its JSON |
 * | `ERR_VERIFY_HEADER` | its header has a parameter that is refused, or no key id |
 * | `ERR_VERIFY_ALGORITHM` | signed with an algorithm that is not allowed, or not at all |
 * | `ERR_VERIFY_ISSUER`, `ERR_VERIFY_AUDIENCE` | made by, or for, somebody else |
 * | `ERR_VERIFY_EXPIRED`, `ERR_VERIFY_NOT_YET_VALID` | out of its time |
 * | `ERR_VERIFY_CLAIM` | a claim that every bound token has is missing, or contradicts another |
 * | `ERR_VERIFY_KEY`, `ERR_VERIFY_SIGNATURE` | signed with an unknown key, or changed after it was signed |
 * | `ERR_VERIFY_REVOKED` | the API server does not accept it any more (TokenReview) |
 * | `ERR_VERIFY_FORBIDDEN` | genuine, and its service account is not on the allow-lists |
 * | `ERR_VERIFY_UNAVAILABLE` | the keys or the API server cannot be reached: nothing is said about the token |
 */
export class TokenVerificationError extends ProjectedTokenError {
  readonly code: TokenVerificationErrorCode;
  /** The claim or header parameter that failed, where there is one. */
  readonly claim: string | undefined;

  constructor(code: TokenVerificationErrorCode, message: string, options: CauseOption & { claim?: string } = {}) {
    super(message, options);
    this.code = code;
    this.claim = options.claim;
  }
}
