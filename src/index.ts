export * from './errors.js';
export type { GetTokenOptions, TokenCarrier, TokenSource } from './token-source.js';
export { BEARER_CARRIER } from './token-source.js';
