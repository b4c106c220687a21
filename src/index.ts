/**
 * Follows a Kubernetes bound service account token in a projected volume.
 *
 * @module projected-token
 */

export * from './errors.js';
export type { ProviderDiagnosticsMessage } from './provider/diagnostics-channels.js';
export { ProjectedTokenProvider } from './provider/projected-token-provider.js';
export type { ProjectedTokenEvents } from './provider/provider-events.js';
export { DEFAULT_TOKEN_DIRECTORY, type ProjectedTokenProviderOptions } from './provider/provider-options.js';
export type { ProviderState, ProviderStatus, ReadTrigger } from './provider/provider-status.js';
export { BoundToken } from './token/bound-token.js';
export type { BoundTokenClaims, KubernetesObjectReference } from './token/claims.js';
export type { TokenVerificationKey } from './token/verify-signature.js';
export type { GetTokenOptions, TokenCarrier, TokenSource } from './token-source.js';
export { BEARER_CARRIER } from './token-source.js';
export type {
  TokenDirectoryWatcher,
  TokenFileHandle,
  TokenFileStats,
  TokenFileSystem,
} from './volume/token-file-system.js';
