import { InvalidOptionError, TokenOriginError } from '../errors.js';

/** Where a token may go: origins (RFC 6454), each `scheme://host:port` with nothing after it. */
export class AllowedOrigins {
  readonly #origins: ReadonlySet<string>;
  /** What the `href` of a URL of an allowed origin begins with, unless it holds credentials. */
  readonly #prefixes: readonly string[];
  readonly #listed: ReadonlySet<string>;

  /**
   * @param listed - what the caller listed in so many words
   * @param baseUrl - a client's base URL, which counts as listed unless the token would go over the network in clear text
   * @throws `ERR_TOKEN_OPTION` for what is no origin, or when there is none; `ERR_TOKEN_ORIGIN` for a base URL without TLS
   */
  constructor(listed: readonly (string | URL)[] = [], baseUrl?: string) {
    this.#listed = new Set(listed.map(parseOrigin));
    const origins = new Set(this.#listed);
    const base = baseUrl === undefined ? undefined : parseUrl(baseUrl);
    if (base !== undefined && isHttp(base)) origins.add(secureOrigin(base, origins));
    if (origins.size === 0) {
      throw new InvalidOptionError(
        'origins',
        'No origin is allowed to receive the token. List the allowed ones in the option "origins", such as ["https://vault.internal:8200"].',
      );
    }
    this.#origins = origins;
    this.#prefixes = [...origins].map((origin) => `${origin}/`);
  }

  /** @param url - or the text of one; most name an origin just as it is listed, and need not be parsed */
  has(url: URL | string): boolean {
    // A URL puts its origin together anew each time that it is asked, its text it has.
    if (typeof url !== 'string') return this.#begins(url.href) || this.#origins.has(url.origin);
    return this.#origins.has(url) || this.#origins.has(parseUrl(url)?.origin ?? '');
  }

  #begins(href: string): boolean {
    return this.#prefixes.some((prefix) => href.startsWith(prefix));
  }

  /**
   * A base URL of `http:` counts as listed because no byte leaves this machine. Through a proxy they do.
   *
   * @param origin - of a request that a proxy is about to get, which will read it
   * @throws `ERR_TOKEN_ORIGIN` unless that very origin was listed
   */
  assertMayPassProxy(origin: string): void {
    if (this.#listed.has(origin)) return;
    throw new TokenOriginError(
      `A proxy would get the token for ${origin} in clear text. Exempt the host from the proxy (NO_PROXY, or the client's own option), or list that very origin in the option "origins".`,
    );
  }
}

function parseOrigin(listed: string | URL): string {
  const url = parseUrl(String(listed));
  if (url === undefined || !isHttp(url)) {
    throw new InvalidOptionError(
      'origins',
      `"${shorten(listed)}" is not an origin: write scheme, host and port, such as "https://vault.internal:8200".`,
    );
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    throw new InvalidOptionError(
      'origins',
      `"${url.origin}" was listed with more than scheme, host and port. The token goes to every path of an origin.`,
    );
  }
  return url.origin;
}

function secureOrigin(base: URL, listed: ReadonlySet<string>): string {
  if (base.protocol === 'https:' || isLoopback(base) || listed.has(base.origin)) return base.origin;
  throw new TokenOriginError(
    `The base URL's origin ${base.origin} would carry the token over the network in clear text. Use https, or list that very origin in the option "origins".`,
  );
}

/**
 * Hosts that no packet leaves this machine for: `localhost` (RFC 6761 section 6.3), 127.0.0.0/8 and ::1. Not a name such as
 * `vault.localhost`: Node asks DNS for its address, which may be anywhere.
 */
export function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}

function isHttp({ protocol }: URL): boolean {
  return protocol === 'https:' || protocol === 'http:';
}

/** A URL from text, or undefined. */
export function parseUrl(text: string, base?: URL): URL | undefined {
  try {
    // Not `canParse` before, which parses it a second time.
    return new URL(text, base);
  } catch {
    return undefined;
  }
}

function shorten(value: string | URL): string {
  // Credentials in a URL must not reach an error message.
  return String(value)
    .replace(/\/\/[^/]*@/, '//…@')
    .slice(0, 100);
}
