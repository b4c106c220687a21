/**
 * Access tokens of an OAuth 2.0 authorization server, in exchange for a bound service account token.
 *
 * @module projected-token/oauth
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
export type { OAuthTokenInfo } from './oauth-grant.js';
export type { OAuthGrantType, OAuthTokenProviderOptions } from './oauth-options.js';
export * from './oauth-token-provider.js';
