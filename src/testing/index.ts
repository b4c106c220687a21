/**
 * Test kit: a projected volume and tokens, without a cluster.
 *
 * @module projected-token/testing
 */
export * from './embedded-api-server.js';
export * from './embedded-aws-sts.js';
export * from './embedded-entra-id.js';
export * from './embedded-google-sts.js';
export * from './embedded-vault.js';
export type { ExchangeRecord, TrustedIssuer } from './federated-token.js';
export { type MintTokenOptions, mintedTokenKeys, mintToken } from './mint-token.js';
export { type JsonWebKeySet, type MintOptions, type TokenAlgorithm, TokenIssuer } from './token-issuer.js';
export { TokenVolume, type TokenVolumeOptions, type VolumeFileSystem, type VolumeStep } from './token-volume.js';
