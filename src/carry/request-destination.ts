import type { ClientRequest } from 'node:http';

/** Where the bytes of a request go, as Node is about to connect. */
export interface RequestDestination {
  readonly origin: string;
  /** They go through a proxy that reads them: one for `http:`, and not a tunnel. */
  readonly isProxied: boolean;
  /** The Unix socket that they go to, whatever the origin. */
  readonly socketPath: string | undefined;
}

/** What Node hands to an agent, as far as it says where to. */
export interface ConnectOptions {
  readonly host?: string | null;
  readonly port?: number | string | null;
  readonly socketPath?: string | null;
}

const DEFAULT_PORTS: Record<string, number> = { 'http:': 80, 'https:': 443 };

/** Tells where a request really goes: neither its header `Host` nor what a client says of its URL counts. */
export function destinationOf(request: ClientRequest, { host, port, socketPath }: ConnectOptions): RequestDestination {
  const isProxied = isProxyRequest(request);
  const origin = isProxied ? new URL(request.path).origin : originOf(request.protocol, host ?? request.host, port);
  return { origin, isProxied, socketPath: socketPath ?? undefined };
}

/** A proxy is told the whole URL in the place of the path (RFC 9112 section 3.2.2). */
export function isProxyRequest({ path }: ClientRequest): boolean {
  return /^https?:\/\//i.test(path);
}

function originOf(protocol: string, host: string, port: ConnectOptions['port']): string {
  const hostname = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return port && Number(port) !== DEFAULT_PORTS[protocol]
    ? `${protocol}//${hostname}:${port}`
    : `${protocol}//${hostname}`;
}
