import type { ProjectedTokenProvider } from '../provider/projected-token-provider.js';
import type { BoundToken } from '../token/bound-token.js';
import type { Terminal } from './terminal.js';

/** Events of `watch`: those of the provider, and `ready` for its first token. */
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

/** Details of an event. */
export interface EventDetails {
  readonly current?: BoundToken;
  readonly previous?: BoundToken;
  readonly error?: Error;
}

/** Output of `watch`. */
export interface Report {
  tell(event: WatchedEvent, details: EventDetails): void;
  /** Called every second. */
  tick?(): void;
  /** Called at the end. */
  end?(): void;
}

/** Creates a report. */
export type CreateReport = (terminal: Terminal, provider: ProjectedTokenProvider, showToken: boolean) => Report;
