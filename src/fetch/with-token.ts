import { parseUrl } from '../carry/allowed-origins.js';
import { TokenCarriage, type WithTokenOptions } from '../carry/token-carriage.js';
import type { TokenSource } from '../token-source.js';
import { FetchBody, type OwnInit } from './fetch-body.js';
import { followRedirect, type Hop } from './follow-redirect.js';

/** Any function with the signature of `fetch`. */
export type FetchFunction = (input: never, init?: never) => Promise<unknown>;

type PlatformFetch = typeof globalThis.fetch;

/**
 * A `fetch` whose requests to the listed origins carry the token of a source, always a fresh one.
 *
 * - A request to another origin, or one that has the header already, is handed on as it is.
 * - Redirects are followed as `fetch` does, and each hop is looked at anew: a custom header such as `X-Vault-Token` does not go
 *   to an origin that is not listed, and is back on at a redirect between listed ones.
 * - When a server refuses the token, the source is asked for another one, and the request is sent once more. A stream given as
 *   `init.body` is never sent twice. A `Request` keeps its body in memory until it is answered, so pass large uploads as streams.
 *
 * @param client - `fetch`, or any function with its signature
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
  const carriage = new TokenCarriage(source, options);
  const send = client as unknown as PlatformFetch;
  const carryingFetch: PlatformFetch = async (input, init) => {
    const request = isRequest(input) ? input : undefined;
    const url = parseUrl(request === undefined ? String(input) : request.url);
    const headers = new Headers(init?.headers ?? request?.headers);
    if (url === undefined || !carriage.allows(url) || headers.has(carriage.header)) return send(input, init);
    const signal = init?.signal ?? request?.signal;
    try {
      return await fetchWithToken(send, carriage, url, headers, request, init, signal ?? undefined);
    } catch (error) {
      // Whatever the wait was for: an aborted fetch rejects with the signal's reason.
      if (signal?.aborted) throw signal.reason;
      throw error;
    }
  };
  return carryingFetch as unknown as Client;
}

async function fetchWithToken(
  send: PlatformFetch,
  carriage: TokenCarriage,
  url: URL,
  headers: Headers,
  request: Request | undefined,
  init: RequestInit | undefined,
  signal: AbortSignal | undefined,
): Promise<Response> {
  const redirect = init?.redirect ?? request?.redirect ?? 'follow';
  const journey = carriage.begin();
  const body = new FetchBody(request, init);
  let hop: Hop = {
    url,
    method: (init?.method ?? request?.method ?? 'GET').toUpperCase(),
    headers,
    hasBody: body.exists,
  };
  const sendHop = async (value: string | undefined): Promise<Response> => {
    const carried = new Headers(hop.headers);
    if (value !== undefined) carried.set(carriage.header, value);
    const ownInit: OwnInit = { headers: [...carried], redirect: redirect === 'follow' ? 'manual' : redirect };
    const first = body.takeFirst(ownInit);
    if (first !== undefined) return send(...first);
    const content = hop.hasBody ? await body.again() : undefined;
    const { method } = hop;
    return send(hop.url.href, { ...settingsOf(request), ...init, ...ownInit, method, body: content, signal });
  };
  try {
    for (let redirects = 0; ; redirects++) {
      let response = await sendHop(await journey.valueFor(hop.url, signal));
      if (await journey.shouldRetry(response.status, body.isReplayable || !hop.hasBody, signal)) {
        await response.body?.cancel();
        response = await sendHop(await journey.valueFor(hop.url, signal));
      }
      const next = redirect === 'follow' ? followRedirect(hop, response, redirects, body.isReplayable) : undefined;
      if (next === undefined) {
        if (redirects > 0) Object.defineProperty(response, 'redirected', { value: true, configurable: true });
        return response;
      }
      await response.body?.cancel();
      hop = next;
    }
  } finally {
    body.release();
  }
}

/** What a `Request` says beside its URL, method, headers and body. */
function settingsOf(request: Request | undefined): RequestInit {
  if (request === undefined) return {};
  const { credentials, integrity, keepalive, referrerPolicy } = request;
  return { credentials, integrity, keepalive, referrerPolicy };
}

/** By what it has: undici's own `Request` is another class than the global one. */
function isRequest(input: unknown): input is Request {
  return typeof input === 'object' && input !== null && 'url' in input && 'clone' in input;
}
