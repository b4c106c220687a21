import type { CauseOption } from './cause-option.js';
import { ProjectedTokenError } from './projected-token-error.js';

/** The caller's `AbortSignal` aborted the wait; `cause` is its reason. */
export class TokenAbortedError extends ProjectedTokenError {
  readonly code = 'ERR_TOKEN_ABORTED';

  constructor(message: string, options?: CauseOption) {
    super(message, options);
    // What the platform calls it, so that `error.name === 'AbortError'` holds as for any other aborted call.
    this.name = 'AbortError';
  }
}
