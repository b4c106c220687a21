import { TokenCarriage, type WithTokenOptions } from '../carry/token-carriage.js';
import type { TokenSource } from '../token-source.js';
import { carryFetch } from './carry-fetch.js';
import type { Fetch } from './outgoing-request.js';

/** Any function with the signature of `fetch`. */
export type FetchFunction = (input: never, init?: never) => Promise<unknown>;

/**
 * Returns a `fetch` whose requests to the listed origins carry the token of a source, always a fresh one.
 *
 * - Node's own `fetch` follows redirects, checks `integrity` and `mode`, and aborts as ever: only its dispatcher is another one, which
 *   adds the token hop by hop and hands each hop to the dispatcher of the request, or to the global one.
 * - Any other function with its signature (node-fetch, msw, the `fetch` of Next.js, mocks, a `fetch` that was bound) gets the token in
 *   its second argument, and `redirect: 'manual'`: redirects are followed here, as the Fetch standard says.
 * - A custom header such as `X-Vault-Token` does not go to an origin that is not listed, and stays on at a redirect between listed
 *   ones. A request to another origin, or one that has the header already, is handed on as it is.
 * - When a server rejects the token, the source is asked for another one, and the request is sent once more, if its body can be
 *   sent again: a stream cannot, and the caller gets the rejection. The body of a `Request`, a `Blob` or a `FormData` is kept for this
 *   while it is sent, up to 10 MiB. What a `Request` was made from cannot be seen, so that includes one made from a stream.
 * - The caller's `signal` ends the wait for the token too, and its reason is what the promise rejects with.
 *
 * Give undici's `dispatcher` in the second argument. From Node 24 on, nothing tells whether a `Request` has one: such a request is sent
 * by hand, and its dispatcher is lost at a redirect.
 *
 * @param client - `fetch`, or any function with its signature; what it answers to `redirect: 'manual'` must show the redirect, as
 *   it does in Node
 * @param source - where tokens come from, such as a `ProjectedTokenProvider`
 * @param options.origins - required here: `fetch` has no base URL
 * @returns a function of the same type
 * @throws `ERR_TOKEN_OPTION` for origins that are none. The function rejects as `fetch` does, and as `source.getToken` does.
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
