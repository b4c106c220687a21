import type { Socket } from 'node:net';
import type { buildConnector, Dispatcher } from 'undici';
import { usesEnvironmentProxy } from './environment-proxy.js';
import type { LoadedCredentials } from './tls-credentials.js';
import { type Attempt, type TrackedOptions, trackedClient } from './tracked-client.js';

type Undici = typeof import('undici');

/** What a pool's connections are made with. */
export interface ConnectionPoolOptions {
  readonly credentials: LoadedCredentials;
  readonly serverName: string | undefined;
  /** For connections through a proxy; the others end with the request that they are made for. */
  readonly proxyTimeoutMs: number;
}

/**
 * Connections that share their certificates.
 *
 * HTTPS goes through the proxy of the environment where Node would use it, by CONNECT, so that the proxy sees no token. HTTP
 * never goes to a proxy: that would show it the token, and for loopback it would be another host.
 */
export class ConnectionPool {
  readonly credentials: LoadedCredentials;
  /** Whether requests over HTTPS may go through a proxy. */
  readonly mayUseProxy: boolean;
  readonly #direct: Dispatcher;
  readonly #https: Dispatcher;
  /** Of connections, made or being made. */
  readonly #sockets = new Set<Socket>();

  constructor(undici: Undici, { credentials, serverName, proxyTimeoutMs }: ConnectionPoolOptions) {
    this.credentials = credentials;
    const tls = { secureContext: credentials.secureContext, servername: serverName };
    const connector = undici.buildConnector({ ...tls, timeout: 0 });
    const connect: buildConnector.connector = (options, callback) =>
      // It returns the socket, unlike what its type says.
      this.#keep(connector(options, callback) as unknown as Socket);
    const factory = (origin: string | URL, options: object) =>
      new undici.Pool(origin, {
        ...options,
        factory: (origin, options) => trackedClient(undici, origin, options, (socket) => this.#keep(socket)),
      });
    this.#direct = new undici.Agent({ connect, factory });
    this.mayUseProxy = usesEnvironmentProxy();
    const timeout = proxyTimeoutMs;
    this.#https = this.mayUseProxy
      ? new undici.EnvHttpProxyAgent({
          connect,
          factory,
          requestTls: { ...tls, timeout },
          proxyTls: { timeout },
          // What sends CONNECT; a proxy that does not answer would keep it waiting for 300 s.
          clientFactory: (proxy, options) => new undici.Pool(proxy, { ...options, headersTimeout: timeout }),
        })
      : this.#direct;
  }

  /** @param attempt - is told which connection was used */
  request(
    options: Dispatcher.RequestOptions & { origin: string; signal: AbortSignal },
    attempt: Attempt,
  ): Promise<Dispatcher.ResponseData> {
    const dispatcher = options.origin.startsWith('https:') ? this.#https : this.#direct;
    const tracked: typeof options & TrackedOptions = { ...options, attempt };
    return dispatcher.request(tracked);
  }

  /** Ends idle connections, and the others when their requests have ended. */
  async close(): Promise<void> {
    await Promise.all(this.#dispatchers().map((dispatcher) => dispatcher.close()));
  }

  /** Ends all connections, also after {@link close}, which makes agents of undici forget theirs. */
  async destroy(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy(new Error('The client was closed.'));
    await Promise.all(this.#dispatchers().map((dispatcher) => dispatcher.destroy()));
  }

  #keep(socket: Socket): Socket {
    if (this.#sockets.has(socket)) return socket;
    this.#sockets.add(socket);
    return socket.once('close', () => this.#sockets.delete(socket));
  }

  #dispatchers(): Dispatcher[] {
    return [...new Set([this.#direct, this.#https])];
  }
}
