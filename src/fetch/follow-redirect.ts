import { sentReferrer } from './sent-referrer.js';

/** One request of a chain of redirects. */
export interface Hop {
  readonly url: URL;
  readonly method: string;
  /** The caller's headers, without the token. */
  readonly headers: Headers;
  /** Whether the body goes along. */
  readonly hasBody: boolean;
  /** Of the caller; after a redirect, what the hop before was sent with. */
  readonly referrer?: string | undefined;
  /** Of the caller, or of the last redirect that said something of it. */
  readonly referrerPolicy?: ReferrerPolicy | undefined;
}

type ReferrerPolicy = NonNullable<RequestInit['referrerPolicy']>;

/** As many as fetch follows (Fetch standard, HTTP-redirect fetch, step 7). */
export const MAX_REDIRECTS = 20;

const REDIRECT_STATUSES: readonly number[] = [301, 302, 303, 307, 308];

/** Without the empty one, by which a server says nothing (Referrer Policy, section 8.1). */
const REFERRER_POLICIES: readonly string[] = [
  'no-referrer',
  'no-referrer-when-downgrade',
  'same-origin',
  'origin',
  'strict-origin',
  'origin-when-cross-origin',
  'strict-origin-when-cross-origin',
  'unsafe-url',
];

/** Headers that describe a body that is not sent any more (Fetch standard, request-body-header name). */
const BODY_HEADERS = ['content-encoding', 'content-language', 'content-location', 'content-type', 'content-length'];

/** Headers that are removed for another origin: `authorization` by the Fetch standard, the others as in undici. */
const ORIGIN_BOUND_HEADERS = ['authorization', 'proxy-authorization', 'cookie', 'host'];

/**
 * Returns the next hop of a redirect; undefined if the response is not a redirect.
 *
 * @param redirectsLeft - number of redirects that may yet be followed
 * @throws TypeError if `fetch` would reject with one
 * @see https://fetch.spec.whatwg.org/#http-redirect-fetch
 */
export function followRedirect(hop: Hop, response: Response, redirectsLeft: number): Hop | undefined {
  // A mock may answer without headers.
  const location = response?.headers?.get?.('location') ?? null;
  if (location === null || !REDIRECT_STATUSES.includes(response.status)) return undefined;
  const url = targetOf(location, hop.url);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw networkError('URL scheme must be a HTTP(S) scheme');
  if (redirectsLeft <= 0) throw networkError('redirect count exceeded');
  if (url.username !== '' || url.password !== '') {
    throw networkError('cross origin not allowed for request mode "cors"');
  }
  if (url.hash === '') url.hash = hop.url.hash;
  const headers = new Headers(hop.headers);
  if (url.origin !== hop.url.origin) for (const name of ORIGIN_BOUND_HEADERS) headers.delete(name);
  const referrer = sentReferrer(hop);
  const referrerPolicy = referrerPolicyOf(response) ?? hop.referrerPolicy;
  if (!becomesGet(response.status, hop.method)) return { ...hop, url, headers, referrer, referrerPolicy };
  for (const name of BODY_HEADERS) headers.delete(name);
  return { url, method: 'GET', headers, hasBody: false, referrer, referrerPolicy };
}

function targetOf(location: string, base: URL): URL {
  try {
    // A header is bytes, shown as Latin-1; those of a Location beyond ASCII are UTF-8 in practice.
    return new URL(Buffer.from(location, 'latin1').toString(), base);
  } catch (error) {
    throw networkError(error as Error);
  }
}

/** The last one that is known (Referrer Policy, section 8.1). */
function referrerPolicyOf({ headers }: Response): ReferrerPolicy | undefined {
  const policies = (headers.get('referrer-policy') ?? '').split(',').map((policy) => policy.trim().toLowerCase());
  return policies.findLast((policy) => REFERRER_POLICIES.includes(policy)) as ReferrerPolicy | undefined;
}

/** Returns the error of a failed fetch: Node's message, with the reason as its cause. */
export function networkError(reason: string | Error): TypeError {
  return new TypeError('fetch failed', { cause: typeof reason === 'string' ? new Error(reason) : reason });
}

/** Makes `redirected` of a response true, as it is when fetch itself follows, and its type that of an answer of another origin. */
export function markRedirected(response: Response, hasLeftOrigin: boolean): Response {
  const clone = response.clone.bind(response);
  return Object.defineProperties(response, {
    redirected: { value: true, configurable: true },
    clone: { value: () => markRedirected(clone(), hasLeftOrigin), configurable: true, writable: true },
    ...(hasLeftOrigin && response.type === 'basic' && { type: { value: 'cors', configurable: true } }),
  });
}

function becomesGet(status: number, method: string): boolean {
  if (status === 303) return !/^(GET|HEAD)$/i.test(method);
  return (status === 301 || status === 302) && /^POST$/i.test(method);
}
