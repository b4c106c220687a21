/**
 * `withToken` for undici's dispatchers: `Agent`, `Pool`, `Client` and whatever is composed of them.
 *
 * @module projected-token/undici
 */
export type { WithTokenOptions } from '../carry/token-carriage.js';
export { withToken } from './with-token.js';
