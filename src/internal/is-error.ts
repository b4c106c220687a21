import { hasTag } from './has-tag.js';

/** Returns whether a value is an error, of whatever realm: under Jest, the errors of Node's own modules come from another one. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || hasTag(value, 'Error') || hasTag(value, 'DOMException');
}
