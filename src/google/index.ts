export type { ExpectedAudience } from '../token/expect-audience.js';
export * from './redact-subject-token.js';
export * from './subject-token-supplier.js';
