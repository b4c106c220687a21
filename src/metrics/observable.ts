import type { ProjectedTokenProvider } from '../provider/projected-token-provider.js';
import { EXCHANGE_INSTRUMENTS, type ObservableExchange } from './exchange-instruments.js';
import type { Instrument } from './instrument.js';
import { PROVIDER_INSTRUMENTS } from './provider-instruments.js';
import { type ObservableVerifier, VERIFIER_INSTRUMENTS } from './verifier-instruments.js';

/** What can be observed: a provider, an exchange such as a `VaultTokenProvider`, or a verifier. */
export type ObservableSource = ProjectedTokenProvider | ObservableExchange | ObservableVerifier;

/** One kind of what can be observed: its instruments, and what tells one of the kind from the others. */
export interface Family {
  // What an instrument of a family is given is of that family: `familyOf` sees to it.
  readonly instruments: readonly Instrument<never>[];
  /** Labels of all measurements: their name in Prometheus and in OpenTelemetry, and their value. */
  readonly identity: readonly { readonly label: string; readonly attribute: string }[];
  identify(observed: never): readonly string[];
}

const PROVIDERS: Family = {
  instruments: PROVIDER_INSTRUMENTS,
  identity: [{ label: 'path', attribute: 'file.path' }],
  identify: ({ status }: ProjectedTokenProvider) => [status.path],
};

const EXCHANGES: Family = {
  instruments: EXCHANGE_INSTRUMENTS,
  identity: [
    { label: 'exchange', attribute: 'projected_token.exchange' },
    { label: 'server', attribute: 'server.address' },
    { label: 'identity', attribute: 'projected_token.identity' },
  ],
  identify: ({ figures: { exchange } }: ObservableExchange) => [exchange.kind, exchange.server, exchange.identity],
};

const VERIFIERS: Family = {
  instruments: VERIFIER_INSTRUMENTS,
  identity: [{ label: 'audience', attribute: 'projected_token.audience' }],
  identify: ({ figures }: ObservableVerifier) => [figures.audiences.join(' ')],
};

/** Every family: the tables that OpenTelemetry and Prometheus are served from. */
export const FAMILIES: readonly Family[] = [PROVIDERS, EXCHANGES, VERIFIERS];

/** Returns the family of what is observed. */
export function familyOf(observed: ObservableSource): Family {
  if (!('figures' in observed)) return PROVIDERS;
  return 'exchange' in observed.figures ? EXCHANGES : VERIFIERS;
}
