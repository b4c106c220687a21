import type { ProjectedTokenError } from '../errors.js';
import type { BoundToken } from '../token/bound-token.js';

/** Events of {@link ProjectedTokenProvider}. None carries token bytes outside of a {@link BoundToken}. */
export interface ProjectedTokenEvents {
  /** Emitted when the token was replaced by another one. */
  rotated: (event: { readonly current: BoundToken; readonly previous: BoundToken }) => void;
  /** Emitted when the file changed to something unacceptable, or cannot be read, once a cause. The last good token stays in use. */
  rejected: (event: { readonly error: ProjectedTokenError }) => void;
  /** Emitted when the token's refresh time is long past and the file is unchanged. */
  overdue: (event: { readonly current: BoundToken }) => void;
  /** Emitted when the token expired and no acceptable one has followed. */
  expired: (event: { readonly previous: BoundToken }) => void;
  /** Emitted when there is a usable token again after `expired`, or for the first time after `open({ waitForToken: false })`. */
  recovered: (event: { readonly current: BoundToken }) => void;
  /** Emitted when the directory cannot be watched and the file is polled instead. */
  degraded: (event: { readonly reason: Error }) => void;
  /** Emitted after `degraded`, when the directory is watched again. */
  restored: () => void;
  /** Emitted when a listener failed, or for what fits no other event. Never fatal when nobody listens. */
  error: (error: Error) => void;
  /** Emitted when the provider was closed. */
  closed: () => void;
}

/** Emits one of the events, with its payload. */
export type TellEvent = <Name extends keyof ProjectedTokenEvents>(
  event: Name,
  ...payload: Parameters<ProjectedTokenEvents[Name]>
) => void;
