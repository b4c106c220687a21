/**
 * `withToken` for got.
 *
 * @module projected-token/got
 */
export type { WithTokenOptions } from '../carry/token-carriage.js';
export { withToken } from './with-token.js';
