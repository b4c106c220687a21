import type { CauseOption } from './cause-option.js';
import type { ProjectedTokenErrorCode } from './codes.js';

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
  /** The error behind this one, if there is one. */
  declare readonly cause?: unknown;

  constructor(message: string, options?: CauseOption) {
    super(message, options);
    // The name of the concrete class; on the prototype it would be missing from structured logs.
    Object.defineProperty(this, 'name', { value: new.target.name, configurable: true, writable: true });
  }
}
