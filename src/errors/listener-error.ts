import type { CauseOption } from './cause-option.js';
import { ProjectedTokenError } from './projected-token-error.js';

/** A listener threw, or the promise it returned rejected; `cause` is what it threw. */
export class ListenerError extends ProjectedTokenError {
  readonly code = 'ERR_TOKEN_LISTENER';
  /** Name of the event whose listener failed. */
  readonly event: string;

  constructor(event: string, options: CauseOption) {
    super(`A listener of the event "${event}" failed; its error is the cause of this one.`, options);
    this.event = event;
  }
}
