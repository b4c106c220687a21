/**
 * `withToken` for `fetch`: that of Node, of undici, and all with the same signature.
 *
 * @module projected-token/fetch
 */
export type { WithTokenOptions } from '../carry/token-carriage.js';
export { type FetchFunction, withToken } from './with-token.js';
