import type { ProjectedTokenError } from '../errors.js';
import type { BoundToken } from '../token/bound-token.js';

/** Events of {@link ProjectedTokenProvider}. None carries token bytes outside of a {@link BoundToken}. */
export interface ProjectedTokenEvents {
  /** Another token took the place of the one before. */
  rotated: (event: { readonly current: BoundToken; readonly previous: BoundToken }) => void;
  /** The file changed to something unacceptable, or cannot be read; the last good token stays in use. Told once a cause. */
  rejected: (event: { readonly error: ProjectedTokenError }) => void;
  /** The token's refresh time is long past and the file is unchanged. */
  overdue: (event: { readonly current: BoundToken }) => void;
  /** The token expired and no acceptable one has followed. */
  expired: (event: { readonly previous: BoundToken }) => void;
  /** There is a usable token again after `expired`, or for the first time after `open({ waitForToken: false })`. */
  recovered: (event: { readonly current: BoundToken }) => void;
  /** The directory cannot be watched; the file is polled. */
  degraded: (event: { readonly reason: Error }) => void;
  /** After `degraded`: the directory is watched again. */
  restored: () => void;
  /** A listener failed, or something that fits no other event. Never fatal when nobody listens. */
  error: (error: Error) => void;
  /** The provider was closed. */
  closed: () => void;
}

/** Emits one of the events, with its payload. */
export type TellEvent = <Name extends keyof ProjectedTokenEvents>(
  event: Name,
  ...payload: Parameters<ProjectedTokenEvents[Name]>
) => void;
