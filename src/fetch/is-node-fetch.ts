/**
 * Returns whether a function is the `fetch` of Node itself, which sends each hop of a redirect through its dispatcher.
 *
 * Told by its source: only Node's own code can load Node's own undici. Functions that took its place (msw, Next.js, mocks), that call it
 * or are bound to it have another source, and so has every other `fetch`: of those nothing tells whether a request that they are given
 * would pass through a dispatcher, and one that does not would go without its token.
 */
export function isNodeFetch(fetch: unknown): boolean {
  return typeof fetch === 'function' && Function.prototype.toString.call(fetch).includes(NODE_UNDICI);
}

const NODE_UNDICI = "require('internal/deps/undici/undici')";
