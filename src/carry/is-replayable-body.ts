/**
 * Whether a request body can be sent a second time: everything that lies in memory can, a stream that was read is gone.
 *
 * Told by what it can do, not by its class: bodies come from Node, from the web platform and from packages.
 */
export function isReplayableBody(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return true;
  const isNodeStream = typeof Reflect.get(body, 'pipe') === 'function';
  const isWebStream = typeof Reflect.get(body, 'getReader') === 'function';
  const isAsyncIterable = Symbol.asyncIterator in body;
  return !isNodeStream && !isWebStream && !isAsyncIterable && !isIterator(body);
}

/** A generator object gives its values once; an array or a URLSearchParams gives them at each iteration. */
export function isIterator(body: object): boolean {
  return Symbol.iterator in body && typeof Reflect.get(body, 'next') === 'function';
}
