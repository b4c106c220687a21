import { parseUrl } from '../carry/allowed-origins.js';

/** One request of a chain of redirects. */
export interface Hop {
  readonly url: URL;
  readonly method: string;
  /** The caller's headers, without the token. */
  readonly headers: Headers;
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
 * @throws TypeError where `fetch` rejects with one
 * @see https://fetch.spec.whatwg.org/#http-redirect-fetch
 */
export function followRedirect(
  hop: Hop,
  response: Response,
  redirects: number,
  isReplayable: boolean,
): Hop | undefined {
  const location = response.headers.get('location');
  if (!REDIRECT_STATUSES.includes(response.status) || location === null) return undefined;
  const url = parseUrl(location, hop.url);
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw failed('URL scheme must be a HTTP(S) scheme');
  }
  if (redirects >= MAX_REDIRECTS) throw failed('redirect count exceeded');
  if (url.hash === '') url.hash = hop.url.hash;
  const isSameOrigin = url.origin === hop.url.origin;
  if (!isSameOrigin && (url.username !== '' || url.password !== '')) {
    throw failed('cross origin not allowed for request mode "cors"');
  }
  if (response.status !== 303 && hop.hasBody && !isReplayable) throw failed('a stream cannot be sent again');
  const headers = new Headers(hop.headers);
  if (!isSameOrigin) for (const name of ORIGIN_BOUND_HEADERS) headers.delete(name);
  if (!becomesGet(response.status, hop.method)) return { ...hop, url, headers };
  for (const name of BODY_HEADERS) headers.delete(name);
  return { url, method: 'GET', headers, hasBody: false };
}

function becomesGet(status: number, method: string): boolean {
  if (status === 303) return method !== 'GET' && method !== 'HEAD';
  return (status === 301 || status === 302) && method === 'POST';
}

function failed(reason: string): TypeError {
  // The message and cause that Node's fetch gives.
  return new TypeError('fetch failed', { cause: new Error(reason) });
}
