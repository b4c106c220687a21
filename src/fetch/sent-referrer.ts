import { isLoopback, parseUrl } from '../carry/allowed-origins.js';

interface SentHop {
  readonly url: URL;
  readonly referrer?: string | undefined;
  readonly referrerPolicy?: RequestInit['referrerPolicy'] | undefined;
}

/** Longest referrer that is sent whole (Referrer Policy, section 8.3, step 6). */
const LONGEST = 4096;

/**
 * Returns the referrer that a hop was sent with, which is all that the next hop may be told (Fetch standard, main fetch, step 8).
 * Otherwise a server that was told only an origin could answer with a redirect and a `Referrer-Policy` by which the next one is told the
 * whole URL.
 *
 * @returns an empty text if there was none; undefined if the caller gave no URL, and leaves it to fetch
 * @see https://w3c.github.io/webappsec-referrer-policy/#determine-requests-referrer
 */
export function sentReferrer({ referrer, referrerPolicy, url: target }: SentHop): string | undefined {
  const source = referrer === undefined ? undefined : parseUrl(referrer);
  if (source === undefined || !/^https?:$/.test(source.protocol)) return referrer;
  const origin = `${source.origin}/`;
  const whole = withoutSecrets(source);
  const isSameOrigin = source.origin === target.origin;
  const isDowngrade = isTrustworthy(source) && !isTrustworthy(target);
  switch (referrerPolicy || 'strict-origin-when-cross-origin') {
    case 'no-referrer':
      return '';
    case 'origin':
      return origin;
    case 'unsafe-url':
      return whole;
    case 'same-origin':
      return isSameOrigin ? whole : '';
    case 'origin-when-cross-origin':
      return isSameOrigin ? whole : origin;
    case 'no-referrer-when-downgrade':
      return isDowngrade ? '' : whole;
    case 'strict-origin':
      return isDowngrade ? '' : origin;
    default:
      if (isSameOrigin) return whole;
      return isDowngrade ? '' : origin;
  }
}

/** The URL without its credentials and fragment; its origin, if it is too long. */
function withoutSecrets(source: URL): string {
  const url = new URL(source);
  url.username = '';
  url.password = '';
  url.hash = '';
  return url.href.length > LONGEST ? `${url.origin}/` : url.href;
}

/** Whether nobody on the way can read or change what is sent there (Secure Contexts, section 3.1). */
function isTrustworthy(url: URL): boolean {
  return url.protocol === 'https:' || isLoopback(url) || url.hostname.endsWith('.localhost');
}
