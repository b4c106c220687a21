/**
 * A credential provider for the AWS SDK v3, in exchange for a bound service account token.
 *
 * @module projected-token/aws
 */
export type { ExpectedAudience } from '../token/expect-audience.js';
export * from './from-projected-token.js';
