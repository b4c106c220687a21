import type { Attributes } from '@opentelemetry/api';
import type { ProjectedTokenProvider } from '../provider/projected-token-provider.js';
import { EXCHANGE_INSTRUMENTS, type ObservableExchange } from './exchange-instruments.js';
import type { Instrument } from './instrument.js';
import { PROVIDER_INSTRUMENTS } from './provider-instruments.js';
import { type ObservableVerifier, VERIFIER_INSTRUMENTS } from './verifier-instruments.js';

/** An object with metrics: a provider, an exchange such as a `VaultTokenProvider`, or a verifier. */
export type ObservableSource = ProjectedTokenProvider | ObservableExchange | ObservableVerifier;

/** One kind of observed object: its instruments, and the attributes that distinguish its members. */
export interface Family {
  // `familyOf` makes sure that an instrument gets an object of its family.
  readonly instruments: readonly Instrument<never>[];
  /** Labels in Prometheus that all measurements have, and the equal attributes of OpenTelemetry. */
  readonly identity: readonly { readonly label: string; attributesOf(value: string): Attributes }[];
  identify(observed: never): readonly string[];
}

const PROVIDERS: Family = {
  instruments: PROVIDER_INSTRUMENTS,
  identity: [{ label: 'path', attributesOf: as('file.path') }],
  identify: ({ status }: ProjectedTokenProvider) => [status.path],
};

const EXCHANGES: Family = {
  instruments: EXCHANGE_INSTRUMENTS,
  identity: [
    { label: 'exchange', attributesOf: as('projected_token.exchange') },
    { label: 'server', attributesOf: serverAttributes },
    { label: 'identity', attributesOf: as('projected_token.identity') },
  ],
  identify: ({ figures: { exchange } }: ObservableExchange) => [exchange.kind, exchange.server, exchange.identity],
};

const VERIFIERS: Family = {
  instruments: VERIFIER_INSTRUMENTS,
  identity: [{ label: 'audience', attributesOf: as('projected_token.audience') }],
  identify: ({ figures }: ObservableVerifier) => [figures.audiences.join(' ')],
};

/** Every family, for both OpenTelemetry and Prometheus. */
export const FAMILIES: readonly Family[] = [PROVIDERS, EXCHANGES, VERIFIERS];

/** Returns the family of an observed object. */
export function familyOf(observed: ObservableSource): Family {
  if (!('figures' in observed)) return PROVIDERS;
  return 'exchange' in observed.figures ? EXCHANGES : VERIFIERS;
}

function as(name: string): (value: string) => Attributes {
  return (value) => ({ [name]: value });
}

/** Returns an origin in the semantic conventions, whose `server.address` has no port. */
function serverAttributes(origin: string): Attributes {
  const { protocol, hostname, port } = new URL(origin);
  const defaultPort = protocol === 'https:' ? 443 : 80;
  return { 'server.address': hostname.replace(/^\[|\]$/g, ''), 'server.port': Number(port || defaultPort) };
}
