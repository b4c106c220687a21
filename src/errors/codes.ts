/**
 * The stable codes of all errors; a `switch` over `code` narrows to the class.
 *
 * No message, field or cause of these errors holds bytes of a token.
 */

/** Union of the stable codes of {@link ProjectedTokenError}. */
export type ProjectedTokenErrorCode =
  | TokenFileErrorCode
  | TokenClaimErrorCode
  | TokenVerificationErrorCode
  | TokenExchangeErrorCode
  | 'ERR_TOKEN_EXPIRED'
  | 'ERR_TOKEN_SIGNATURE'
  | 'ERR_TOKEN_CLOSED'
  | 'ERR_TOKEN_ABORTED'
  | 'ERR_TOKEN_OPTION'
  | 'ERR_TOKEN_LISTENER'
  | 'ERR_TOKEN_ORIGIN';

/** Codes of {@link TokenFileError}: what is wrong with the file or its content. */
export type TokenFileErrorCode =
  | 'ERR_TOKEN_NOT_FOUND'
  | 'ERR_TOKEN_AMBIGUOUS'
  | 'ERR_TOKEN_NOT_READABLE'
  | 'ERR_TOKEN_NOT_A_FILE'
  | 'ERR_TOKEN_READ_FAILED'
  | 'ERR_TOKEN_EMPTY'
  | 'ERR_TOKEN_TOO_LARGE'
  | 'ERR_TOKEN_MALFORMED';

/** Codes of {@link TokenClaimError}: a well-formed token that is not the one asked for. */
export type TokenClaimErrorCode =
  | 'ERR_TOKEN_LEGACY'
  | 'ERR_TOKEN_NO_EXPIRY'
  | 'ERR_TOKEN_AUDIENCE'
  | 'ERR_TOKEN_ISSUER'
  | 'ERR_TOKEN_SUBJECT'
  | 'ERR_TOKEN_NOT_YET_VALID';

/** Codes of the errors of `projected-token/verify`: why a recipient does not accept a token. */
export type TokenVerificationErrorCode =
  | 'ERR_VERIFY_MALFORMED'
  | 'ERR_VERIFY_HEADER'
  | 'ERR_VERIFY_ALGORITHM'
  | 'ERR_VERIFY_ISSUER'
  | 'ERR_VERIFY_AUDIENCE'
  | 'ERR_VERIFY_EXPIRED'
  | 'ERR_VERIFY_NOT_YET_VALID'
  | 'ERR_VERIFY_CLAIM'
  | 'ERR_VERIFY_KEY'
  | 'ERR_VERIFY_SIGNATURE'
  | 'ERR_VERIFY_REVOKED'
  | 'ERR_VERIFY_FORBIDDEN'
  | 'ERR_VERIFY_UNAVAILABLE';

/**
 * Codes of {@link TokenExchangeError}: `ERR_EXCHANGE_DENIED` the other side knows the request and does not allow it;
 * `ERR_EXCHANGE_INVALID` it cannot make sense of the request, as of a role that does not exist; `ERR_EXCHANGE_UNAVAILABLE` it
 * cannot be reached, or cannot answer now.
 */
export type TokenExchangeErrorCode = 'ERR_EXCHANGE_DENIED' | 'ERR_EXCHANGE_INVALID' | 'ERR_EXCHANGE_UNAVAILABLE';
