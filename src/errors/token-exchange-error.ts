import type { TokenExchangeErrorCode } from './codes.js';
import { ProjectedTokenError } from './projected-token-error.js';

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
