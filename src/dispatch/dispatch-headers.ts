import type { Dispatcher } from 'undici';

/** Headers of a request in any of the forms that undici takes, or something else that undici rejects. */
export type DispatchHeaders = Dispatcher.DispatchOptions['headers'];

/** Pairs of a name and a value that can be iterated over more than once. */
class HeaderPairs implements Iterable<[string, string | string[] | undefined]> {
  constructor(readonly pairs: readonly [string, string | string[] | undefined][]) {}

  [Symbol.iterator]() {
    return this.pairs.values();
  }
}

/** The same headers in a form that can be looked at before they are sent: an iterator gives its own only once. */
export function repeatableHeaders(headers: DispatchHeaders): DispatchHeaders {
  return isIterable(headers) ? new HeaderPairs([...headers]) : headers;
}

/**
 * Whether there is a header of a name.
 *
 * @param headers - from {@link repeatableHeaders}
 * @param name - in lower case
 */
export function hasHeader(headers: DispatchHeaders, name: string): boolean {
  if (headers === undefined || headers === null) return false;
  if (Array.isArray(headers)) {
    return headers.some((key, index) => index % 2 === 0 && isNamed(key, name) && headers[index + 1] !== undefined);
  }
  if (headers instanceof HeaderPairs) {
    return headers.pairs.some((pair) => Array.isArray(pair) && isNamed(pair[0], name) && pair[1] !== undefined);
  }
  const byName = headers as Record<string, unknown>;
  for (const key of Object.keys(byName)) if (isNamed(key, name) && byName[key] !== undefined) return true;
  return false;
}

/**
 * The headers and one more, in the form that they have: what is wrong with them is left for undici to tell.
 *
 * @param headers - from {@link repeatableHeaders}
 */
export function withHeader(headers: DispatchHeaders, name: string, value: string): DispatchHeaders {
  if (headers === undefined || headers === null) return { [name]: value };
  // First: at the end of a list that lacks a value, its name would be that value.
  if (Array.isArray(headers)) return [name, value, ...headers];
  if (headers instanceof HeaderPairs) return new HeaderPairs([...headers.pairs, [name, value]]);
  if (typeof headers !== 'object') return headers;
  // As a property of an ordinary object it would be the prototype.
  if (Object.hasOwn(headers, '__proto__')) return new HeaderPairs([...Object.entries(headers), [name, value]]);
  // Ten times as fast as to spread them, on Node 20.
  return Object.assign({}, headers, { [name]: value });
}

/** Just as undici tells pairs from an object of headers. */
function isIterable(headers: unknown): headers is Iterable<[string, string | string[] | undefined]> {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) return false;
  if (Object.hasOwn(headers, Symbol.iterator)) return true;
  const prototype = Object.getPrototypeOf(headers);
  const isPlain = prototype === null || prototype === Object.prototype;
  return !isPlain && typeof Reflect.get(headers, Symbol.iterator) === 'function';
}

function isNamed(key: unknown, name: string): boolean {
  return typeof key === 'string' && key.length === name.length && key.toLowerCase() === name;
}
