/**
 * Returns whether a function is the `fetch` of Node itself, which sends each hop of a redirect through its dispatcher.
 *
 * Recognizes it by its source: only Node's own code can load Node's own undici. Replacements (msw, Next.js, mocks), wrappers, bound
 * functions and every other `fetch` have another source. They may send a request past its dispatcher, without the token.
 */
export function isNodeFetch(fetch: unknown): boolean {
  return typeof fetch === 'function' && Function.prototype.toString.call(fetch).includes(NODE_UNDICI);
}

const NODE_UNDICI = "require('internal/deps/undici/undici')";
