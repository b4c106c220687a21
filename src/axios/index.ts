/**
 * `withToken` for axios.
 *
 * @module projected-token/axios
 */
export type { WithTokenOptions } from '../carry/token-carriage.js';
export { withToken } from './with-token.js';
