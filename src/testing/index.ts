/**
 * Test kit: a projected volume, tokens, and stand-ins for servers, without a cluster.
 *
 * @module projected-token/testing
 */

export * from './aws/embedded-aws-sts.js';
export * from './azure/embedded-entra-id.js';
export type { ExchangeRecord, TrustedIssuer } from './federated-token.js';
export * from './google/embedded-google-sts.js';
export type { BoundObjectReference } from './kubernetes/cluster-objects.js';
export * from './kubernetes/embedded-api-server.js';
export { type MintTokenOptions, mintedTokenKeys, mintToken } from './mint-token.js';
export { type JsonWebKeySet, type MintOptions, type TokenAlgorithm, TokenIssuer } from './token-issuer.js';
export { TokenVolume, type TokenVolumeOptions, type VolumeFileSystem, type VolumeStep } from './token-volume.js';
export * from './vault/embedded-vault.js';
