import type { CauseOption } from './cause-option.js';
import type { TokenExchangeErrorCode } from './codes.js';
import { ProjectedTokenError } from './projected-token-error.js';

/**
 * A service account token could not be exchanged for another credential. A credential that still works stays in use, and
 * the exchange is tried again.
 */
export class TokenExchangeError extends ProjectedTokenError {
  readonly code: TokenExchangeErrorCode;
  /** Status of the answer; undefined when none came. */
  readonly status: number | undefined;
  /** Error code in the answer of an OAuth 2.0 server, such as `invalid_client` (RFC 6749 section 5.2); undefined where it has none. */
  readonly oauthError: string | undefined;
  /** How long the other side asked to be left alone (header `Retry-After`), in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /**
   * Whether another attempt may succeed although nobody changes anything: a server that is down comes back, a certificate
   * that is not trusted does not get better. `open` tries again for as long as this is true.
   *
   * @default true for `ERR_EXCHANGE_UNAVAILABLE`, false for the others
   */
  readonly isRetryable: boolean;

  constructor(
    code: TokenExchangeErrorCode,
    message: string,
    options: CauseOption & {
      status?: number | undefined;
      oauthError?: string | undefined;
      retryAfterMs?: number | undefined;
      isRetryable?: boolean | undefined;
    } = {},
  ) {
    super(message, options);
    this.code = code;
    this.status = options.status;
    this.oauthError = options.oauthError;
    this.retryAfterMs = options.retryAfterMs;
    this.isRetryable = options.isRetryable ?? code === 'ERR_EXCHANGE_UNAVAILABLE';
  }
}
