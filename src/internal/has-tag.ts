/**
 * Returns whether a value is an instance of a class of the platform, such as `URLSearchParams`, by the name that it goes by
 * (`Symbol.toStringTag`, or the built-in tag of `Error`, `ArrayBuffer`, …).
 *
 * Node, the web platform's polyfills and each realm have a class of their own by that name: Jest runs tests in another realm than the one
 * that Node's own modules make their objects in. `instanceof` knows one of them.
 */
export function hasTag(value: unknown, tag: string): value is object {
  return Object.prototype.toString.call(value) === `[object ${tag}]`;
}
