import { channel } from 'node:diagnostics_channel';
import type { ExchangeIdentity } from './exchange-figures.js';

/**
 * Message on the diagnostics channels `projected-token:exchange:<event>` of every exchange, for tracers. Events: `granted`, a new or
 * renewed token; `failed`, an attempt failed; `expired`, the token expired without a new one; `closed`, the provider was closed. No
 * message holds bytes of a token.
 *
 * @example
 * ```ts
 * import { subscribe } from 'node:diagnostics_channel';
 * subscribe('projected-token:exchange:failed', (message) => {
 *   const { exchange, error } = message as ExchangeDiagnosticsMessage;
 *   log.warn({ server: exchange.server, error });
 * });
 * ```
 */
export interface ExchangeDiagnosticsMessage {
  readonly exchange: ExchangeIdentity;
  /** With `granted`: true for a renewal, false for a new token. */
  readonly isRenewal?: boolean;
  /** With `granted`: when the token expires; undefined if it never does. */
  readonly expiresAt?: Date | undefined;
  /** With `failed`: the error. */
  readonly error?: Error;
}

const channels = {
  granted: channel('projected-token:exchange:granted'),
  failed: channel('projected-token:exchange:failed'),
  expired: channel('projected-token:exchange:expired'),
  closed: channel('projected-token:exchange:closed'),
};

/** Publishes an event of an exchange; costs next to nothing without subscribers. */
export function publishExchange(event: keyof typeof channels, message: ExchangeDiagnosticsMessage): void {
  if (channels[event].hasSubscribers) channels[event].publish(message);
}
