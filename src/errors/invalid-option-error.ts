import type { CauseOption } from './cause-option.js';
import { ProjectedTokenError } from './projected-token-error.js';

/** An option has a value that cannot work; thrown before anything starts. */
export class InvalidOptionError extends ProjectedTokenError {
  readonly code = 'ERR_TOKEN_OPTION';
  /** Name of the option. */
  readonly option: string;

  constructor(option: string, message: string, options?: CauseOption) {
    super(message, options);
    this.option = option;
  }
}
