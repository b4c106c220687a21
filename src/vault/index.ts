/**
 * Vault and OpenBao tokens, in exchange for a bound service account token.
 *
 * @module projected-token/vault
 */

export type { ExchangeDiagnosticsMessage } from '../exchange/exchange-diagnostics.js';
export type { ExchangeFigures, ExchangeIdentity } from '../exchange/exchange-figures.js';
export type { ExchangeOptions } from '../exchange/exchange-options.js';
export type {
  CertificateAuthority,
  ConnectionOptions,
  PemSource,
  RequestDispatcher,
} from '../internal/connection-options.js';
export type { VaultTokenInfo } from './vault-lease.js';
export type { VaultTokenProviderOptions } from './vault-options.js';
export * from './vault-token-provider.js';
