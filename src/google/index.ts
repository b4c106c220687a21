/**
 * An auth client and a subject token supplier for google-auth-library: workload identity federation of Google Cloud.
 *
 * @module projected-token/google
 */
export type { ExpectedAudience } from '../token/expect-audience.js';
export * from './from-projected-token.js';
export * from './redact-subject-token.js';
export * from './subject-token-supplier.js';
