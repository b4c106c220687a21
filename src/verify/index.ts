/**
 * For the service that receives bound service account tokens: verifies them, and guards Express and Fastify.
 *
 * @module projected-token/verify
 */
export type { TokenVerificationErrorCode } from '../errors.js';
export type {
  CertificateAuthority,
  ConnectionOptions,
  PemSource,
  RequestDispatcher,
} from '../internal/connection-options.js';
export { createTokenVerifier, type TokenVerifier } from './create-token-verifier.js';
export * from './require-token.js';
export type { TokenIdentity } from './token-identity.js';
export { TokenVerificationError } from './token-verification-error.js';
export type {
  MultiIssuerTokenVerifierOptions,
  TokenIssuerOptions,
  TokenVerifierOptions,
  TokenVerifierRules,
} from './token-verifier-options.js';
export type { IssuerFigures, VerificationOutcome, VerifierFigures } from './verifier-figures.js';
export type { VerifierDiagnosticsMessage } from './verifier-record.js';
