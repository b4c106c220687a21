import type { CauseOption } from './cause-option.js';
import { ProjectedTokenError } from './projected-token-error.js';

/** The source was closed; it gives no more tokens. */
export class TokenSourceClosedError extends ProjectedTokenError {
  readonly code = 'ERR_TOKEN_CLOSED';

  constructor(
    message = 'This token source is closed. Keep it open for as long as clients use it.',
    options?: CauseOption,
  ) {
    super(message, options);
  }
}
