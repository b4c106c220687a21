import type { ProjectedTokenErrorCode } from '../errors.js';

/**
 * What led to a read of the token file: `open` the first one, `event` a change of the directory, `poll` the safety poll,
 * `timer` the token's refresh time or expiry, `request` a caller that needed a token or had one rejected, `refresh` a call of `refresh()`.
 */
export type ReadTrigger = 'open' | 'event' | 'poll' | 'timer' | 'request' | 'refresh';

/**
 * `opening`: no acceptable token yet. `ready`: a token is in use. `expired`: the last one expired and none has followed.
 * `closed`: closed.
 */
export type ProviderState = 'opening' | 'ready' | 'expired' | 'closed';

/**
 * Reports the state of a provider: a plain object without secrets, for a readiness probe or a log.
 *
 * @example
 * ```ts
 * app.get('/readyz', (_request, response) => {
 *   const { status } = provider;
 *   response.status(status.state === 'ready' ? 200 : 503).json(status);
 * });
 * ```
 */
export interface ProviderStatus {
  readonly state: ProviderState;
  /** The token's refresh time is long past and the file is unchanged: rotation seems to have stopped. */
  readonly overdue: boolean;
  /** `events`: changes of the directory are reported at once. `polling`: the file is read in intervals only. */
  readonly watching: 'events' | 'polling';
  /** The path asked for. */
  readonly path: string;
  /** `projected`: a link of a projected volume. `regular`: a plain file, which no kubelet replaces. Undefined before the first read. */
  readonly file: 'projected' | 'regular' | undefined;
  /** The token in use. */
  readonly token:
    | { readonly fingerprint: string; readonly expiresAt: Date | undefined; readonly refreshAt: Date | undefined }
    | undefined;
  readonly lastRotationAt: Date | undefined;
  /** End of the last read, successful or not. */
  readonly lastReadAt: Date | undefined;
  /** Why the file's present content is not in use; undefined when it is. */
  readonly lastError:
    | { readonly code: ProjectedTokenErrorCode; readonly message: string; readonly at: Date }
    | undefined;
  readonly counts: {
    /** Times that the token was replaced by another one. */
    readonly rotations: number;
    /** Reads that found no acceptable token. */
    readonly rejections: number;
    /** Calls of `replaceToken`: tokens that a server rejected. */
    readonly refusals: number;
    /** Reads of the file, by what led to them. */
    readonly reads: Readonly<Record<ReadTrigger, number>>;
  };
}
