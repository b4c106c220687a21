/**
 * Every failure has one class and one stable `code`; a `switch` over `code` narrows to it. No message, field or cause
 * of these errors holds bytes of a token.
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

/**
 * Base class of every error that this library creates.
 *
 * @example
 * ```ts
 * try {
 *   await provider.getToken();
 * } catch (error) {
 *   if (error instanceof ProjectedTokenError) log.error({ code: error.code }, error.message);
 *   throw error;
 * }
 * ```
 */
export abstract class ProjectedTokenError extends Error {
  /** Stable and machine-readable; the message may change between releases, this does not. */
  abstract readonly code: ProjectedTokenErrorCode;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    // The name of the concrete class; on the prototype it would be missing from structured logs.
    Object.defineProperty(this, 'name', { value: new.target.name, configurable: true, writable: true });
  }
}

/** The token file is missing, unreadable, or does not hold a token. The last good token, if there is one, stays in use. */
export class TokenFileError extends ProjectedTokenError {
  readonly code: TokenFileErrorCode;
  /** The file or mount directory in question; undefined when text was parsed that came from no file. */
  readonly path: string | undefined;

  constructor(code: TokenFileErrorCode, message: string, options: ErrorOptions & { path?: string | undefined } = {}) {
    super(message, options);
    this.code = code;
    this.path = options.path;
  }
}

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
    details: { claim: string; expected?: readonly string[]; found?: readonly string[] } & ErrorOptions,
  ) {
    super(message, details);
    this.code = code;
    this.claim = details.claim;
    this.expected = details.expected ?? [];
    this.found = details.found ?? [];
  }
}

/** The newest token is past its expiry, or closer to it than the margin allows. */
export class TokenExpiredError extends ProjectedTokenError {
  readonly code = 'ERR_TOKEN_EXPIRED';
  /** When it expired or will expire (claim `exp`). */
  readonly expiresAt: Date;

  constructor(message: string, options: ErrorOptions & { expiresAt: Date }) {
    super(message, options);
    this.expiresAt = options.expiresAt;
  }
}

/** The signature was to be verified (option `verify`) and could not be. */
export class TokenSignatureError extends ProjectedTokenError {
  readonly code = 'ERR_TOKEN_SIGNATURE';
}

/** The source was closed; it gives no more tokens. */
export class TokenSourceClosedError extends ProjectedTokenError {
  readonly code = 'ERR_TOKEN_CLOSED';

  constructor(
    message = 'This token source is closed. Keep it open for as long as clients use it.',
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The caller's `AbortSignal` aborted the wait; `cause` is its reason. */
export class TokenAbortedError extends ProjectedTokenError {
  readonly code = 'ERR_TOKEN_ABORTED';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    // What the platform calls it, so that `error.name === 'AbortError'` holds as for any other aborted call.
    this.name = 'AbortError';
  }
}

/** An option has a value that cannot work; thrown before anything starts. */
export class InvalidOptionError extends ProjectedTokenError {
  readonly code = 'ERR_TOKEN_OPTION';
  /** Name of the option. */
  readonly option: string;

  constructor(option: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.option = option;
  }
}

/** A listener threw, or the promise it returned rejected; `cause` is what it threw. */
export class ListenerError extends ProjectedTokenError {
  readonly code = 'ERR_TOKEN_LISTENER';
  /** Name of the event whose listener failed. */
  readonly event: string;

  constructor(event: string, options: ErrorOptions) {
    super(`A listener of the event "${event}" failed; its error is the cause of this one.`, options);
    this.event = event;
  }
}

/** A request cannot carry the token safely: no origin is allowed, or only one that would send it in clear text. */
export class TokenOriginError extends ProjectedTokenError {
  readonly code = 'ERR_TOKEN_ORIGIN';
}

/**
 * A service account token could not be exchanged for another credential. Where there is one that works still, it stays in use, and
 * the exchange is tried again.
 */
export class TokenExchangeError extends ProjectedTokenError {
  readonly code: TokenExchangeErrorCode;
  /** Status of the answer; undefined when none came. */
  readonly status: number | undefined;
  /** How long the other side asked to be left alone (header `Retry-After`), in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: TokenExchangeErrorCode,
    message: string,
    options: ErrorOptions & { status?: number | undefined; retryAfterMs?: number | undefined } = {},
  ) {
    super(message, options);
    this.code = code;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }
}
