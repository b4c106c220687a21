import { TokenCarriage, type WithTokenOptions } from '../carry/token-carriage.js';
import type { TokenSource } from '../token-source.js';
import { carryFetch } from './carry-fetch.js';
import type { Fetch } from './outgoing-request.js';

/** Any function with the signature of `fetch`. */
export type FetchFunction = (input: never, init?: never) => Promise<unknown>;

/**
 * Returns a `fetch` whose requests to the listed origins carry a fresh token of a source.
 *
 * - Node's own `fetch` follows redirects, checks `integrity` and `mode`, and aborts as before. Only its dispatcher is replaced by one that
 *   adds the token to each hop and passes the hop on to the dispatcher of the request, or the global one.
 * - Any other function with its signature (node-fetch, msw, the `fetch` of Next.js, mocks, a bound `fetch`) gets the token in its second
 *   argument, and `redirect: 'manual'`: this library then follows redirects by the Fetch standard, as many as `follow` of node-fetch says.
 * - A custom header such as `X-Vault-Token` goes to listed origins only, also across redirects. A request to another origin, or one that
 *   has the header already, is passed on unchanged.
 * - When a server rejects the token, the request is retried once with another token of the source, unless its body is a stream; then the
 *   caller gets the rejection. The body of a `Request`, a `Blob` or a `FormData` is kept for this while it is sent, up to 10 MiB, also if
 *   the `Request` was made from a stream.
 * - The rejection is kept while the source is asked for another token. A body of more than 10 MiB is cut off with an error.
 * - The caller's `signal` also ends the wait for the token; the promise rejects with its reason.
 *
 * Pass undici's `dispatcher` in the second argument. On Node 24 and newer, the dispatcher of a `Request` is not visible: such a request
 * is sent by hand and loses its dispatcher at a redirect.
 *
 * @param client - `fetch`, or any function with its signature; with `redirect: 'manual'` its response must show the redirect, as in Node
 * @param source - source of the tokens, such as a `ProjectedTokenProvider`
 * @param options.origins - required here: `fetch` has no base URL
 * @returns a function of the same type
 * @throws `ERR_TOKEN_OPTION` for invalid origins. The function rejects as `fetch` does, and as `source.getToken` does.
 *
 * @example
 * ```ts
 * const vaultFetch = withToken(fetch, provider, { origins: ['https://vault.internal:8200'] });
 * const response = await vaultFetch('https://vault.internal:8200/v1/secret/data/shop');
 * ```
 */
export function withToken<Client extends FetchFunction>(
  client: Client,
  source: TokenSource,
  options: WithTokenOptions,
): Client {
  return carryFetch(client as unknown as Fetch, new TokenCarriage(source, options)) as unknown as Client;
}
