import type { CauseOption } from './cause-option.js';
import type { TokenFileErrorCode } from './codes.js';
import { ProjectedTokenError } from './projected-token-error.js';

/** The token file is missing, unreadable, or does not hold a token. The last good token, if there is one, stays in use. */
export class TokenFileError extends ProjectedTokenError {
  readonly code: TokenFileErrorCode;
  /** The file or mount directory in question; undefined when text was parsed that came from no file. */
  readonly path: string | undefined;

  constructor(code: TokenFileErrorCode, message: string, options: CauseOption & { path?: string | undefined } = {}) {
    super(message, options);
    this.code = code;
    this.path = options.path;
  }
}
