/** What follow-redirects is about to make the request of the next hop with, as far as it says where to. */
interface HopOptions {
  readonly protocol?: string;
  readonly hostname?: string;
  readonly port?: number | string;
  readonly path?: string;
  readonly href?: string;
  readonly hash?: string;
}

/**
 * The URL of the next hop as it will be asked for. `href` says where the redirect led, before the program and the proxies of axios
 * changed anything.
 */
export function urlOfHop({ protocol, hostname, port, path = '/', href, hash = '' }: HopOptions): URL {
  if (/^https?:\/\//i.test(path)) return new URL(path);
  if (protocol === undefined || hostname === undefined) return new URL(href!);
  const host = hostname.includes(':') && !hostname.startsWith('[') ? `[${hostname}]` : hostname;
  return new URL(path + hash, `${protocol}//${host}${port ? `:${port}` : ''}`);
}
