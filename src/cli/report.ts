import type { ProjectedTokenProvider } from '../provider/projected-token-provider.js';
import type { BoundToken } from '../token/bound-token.js';
import type { Terminal } from './terminal.js';

/** Events that `watch` tells of: those of the provider, and `ready` for its first token. */
export type WatchedEvent =
  | 'ready'
  | 'rotated'
  | 'rejected'
  | 'overdue'
  | 'expired'
  | 'recovered'
  | 'degraded'
  | 'restored'
  | 'error';

/** What an event is about. */
export interface EventDetails {
  readonly current?: BoundToken;
  readonly previous?: BoundToken;
  readonly error?: Error;
}

/** How `watch` tells of events. */
export interface Report {
  tell(event: WatchedEvent, details: EventDetails): void;
  /** A second has passed. */
  tick?(): void;
  /** Nothing follows. */
  end?(): void;
}

/** Makes a report. */
export type CreateReport = (terminal: Terminal, provider: ProjectedTokenProvider, showToken: boolean) => Report;
