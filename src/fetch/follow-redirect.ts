import { parseUrl } from '../carry/allowed-origins.js';

/** One request of a chain of redirects. */
export interface Hop {
  readonly url: URL;
  readonly method: string;
  /** The caller's headers, without the token. */
  readonly headers: Headers;
  /** Whether the body goes along. */
  readonly hasBody: boolean;
}

/** As many as fetch follows (Fetch standard, HTTP-redirect fetch, step 7). */
const MAX_REDIRECTS = 20;

const REDIRECT_STATUSES: readonly number[] = [301, 302, 303, 307, 308];

/** Headers that describe a body that is not sent any more (Fetch standard, request-body-header name). */
const BODY_HEADERS = ['content-encoding', 'content-language', 'content-location', 'content-type', 'content-length'];

/** Headers that are not for another origin: `authorization` by the Fetch standard, the others as undici does. */
const ORIGIN_BOUND_HEADERS = ['authorization', 'proxy-authorization', 'cookie', 'host'];

/**
 * The hop that a response redirects to; undefined when it is no redirect.
 *
 * @param redirects - how many were followed before this one
 * @throws TypeError where `fetch` rejects with one
 * @see https://fetch.spec.whatwg.org/#http-redirect-fetch
 */
export function followRedirect(hop: Hop, response: Response, redirects: number): Hop | undefined {
  const location = response.headers.get('location');
  if (!REDIRECT_STATUSES.includes(response.status) || location === null) return undefined;
  // A header is bytes, shown as Latin-1; those of a Location beyond ASCII are UTF-8 in practice.
  const url = parseUrl(Buffer.from(location, 'latin1').toString(), hop.url);
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw networkError('URL scheme must be a HTTP(S) scheme');
  }
  if (redirects >= MAX_REDIRECTS) throw networkError('redirect count exceeded');
  if (url.username !== '' || url.password !== '') {
    throw networkError('cross origin not allowed for request mode "cors"');
  }
  if (url.hash === '') url.hash = hop.url.hash;
  const headers = new Headers(hop.headers);
  if (url.origin !== hop.url.origin) for (const name of ORIGIN_BOUND_HEADERS) headers.delete(name);
  if (!becomesGet(response.status, hop.method)) return { ...hop, url, headers };
  for (const name of BODY_HEADERS) headers.delete(name);
  return { url, method: 'GET', headers, hasBody: false };
}

/** What fetch rejects with when a request cannot be completed: Node's message, and the reason as its cause. */
export function networkError(reason: string): TypeError {
  return new TypeError('fetch failed', { cause: new Error(reason) });
}

/** Makes `redirected` of a response true, as it is when fetch itself follows. */
export function markRedirected(response: Response): Response {
  const clone = response.clone.bind(response);
  return Object.defineProperties(response, {
    redirected: { value: true, configurable: true },
    clone: { value: () => markRedirected(clone()), configurable: true, writable: true },
  });
}

function becomesGet(status: number, method: string): boolean {
  if (status === 303) return !/^(GET|HEAD)$/i.test(method);
  return (status === 301 || status === 302) && /^POST$/i.test(method);
}
