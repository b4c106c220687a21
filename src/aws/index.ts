export type { ExpectedAudience } from '../token/expect-audience.js';
export * from './from-projected-token.js';
