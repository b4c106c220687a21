import { types } from 'node:util';

/**
 * Returns what was thrown as an Error. One of another realm stays as it is, though `instanceof` does not know it: Jest
 * runs tests in a realm of their own, and the errors of `node:fs` come from the outer one.
 */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error || types.isNativeError(thrown) ? thrown : new Error(String(thrown));
}
