import type { CauseOption } from './cause-option.js';
import { ProjectedTokenError } from './projected-token-error.js';

/** The newest token is past its expiry, or closer to it than the margin allows. */
export class TokenExpiredError extends ProjectedTokenError {
  readonly code = 'ERR_TOKEN_EXPIRED';
  /** When it expired or will expire (claim `exp`). */
  readonly expiresAt: Date;

  constructor(message: string, options: CauseOption & { expiresAt: Date }) {
    super(message, options);
    this.expiresAt = options.expiresAt;
  }
}
