import { channel } from 'node:diagnostics_channel';
import { isError } from '../internal/is-error.js';
import { BoundToken } from '../token/bound-token.js';
import type { ProjectedTokenEvents } from './provider-events.js';

/**
 * What is published on the diagnostics channel `projected-token:<event>` at each event of each provider, for tracers that
 * the program itself knows nothing of. Tokens appear as what `BoundToken.toJSON` says of them.
 *
 * @example
 * ```ts
 * import { subscribe } from 'node:diagnostics_channel';
 * subscribe('projected-token:rotated', (message) => {
 *   const { path, current } = message as ProviderDiagnosticsMessage;
 *   span.addEvent('token rotated', { path, token: String(current?.fingerprint) });
 * });
 * ```
 */
export interface ProviderDiagnosticsMessage {
  /** Path that the provider was asked for. */
  readonly path: string;
  readonly current?: Record<string, unknown>;
  readonly previous?: Record<string, unknown>;
  readonly error?: Error;
  readonly reason?: Error;
}

type EventName = keyof ProjectedTokenEvents;

const EVENTS: readonly EventName[] = [
  'rotated',
  'rejected',
  'overdue',
  'expired',
  'recovered',
  'degraded',
  'restored',
  'error',
  'closed',
];

const channels = Object.fromEntries(EVENTS.map((event) => [event, channel(`projected-token:${event}`)])) as Record<
  EventName,
  ReturnType<typeof channel>
>;

/** Publishes an event of a provider; costs a look at a flag while nobody subscribes. */
export function publishDiagnostics(event: EventName, path: string, payload: unknown): void {
  if (!channels[event].hasSubscribers) return;
  const fields = isError(payload) ? { error: payload } : (payload ?? {});
  const shown = Object.entries(fields).map(([name, value]) => [
    name,
    value instanceof BoundToken ? value.toJSON() : value,
  ]);
  const message: ProviderDiagnosticsMessage = { path, ...Object.fromEntries(shown) };
  channels[event].publish(message);
}
