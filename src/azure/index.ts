export type { ExpectedAudience } from '../token/expect-audience.js';
export * from './client-assertion.js';
