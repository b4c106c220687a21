/**
 * Tokens of the TokenRequest API, and `withToken` for `@kubernetes/client-node`.
 *
 * @module projected-token/kubernetes
 */
export type { WithTokenOptions } from '../carry/token-carriage.js';
export type { ExchangeDiagnosticsMessage } from '../exchange/exchange-diagnostics.js';
export type { ExchangeFigures, ExchangeIdentity } from '../exchange/exchange-figures.js';
export type { ExchangeOptions } from '../exchange/exchange-options.js';
export type { BoundObjectReference, TokenRequestProviderOptions } from './token-request-options.js';
export * from './token-request-provider.js';
export * from './with-token.js';
