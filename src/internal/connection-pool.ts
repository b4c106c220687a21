import { Socket } from 'node:net';
import type { buildConnector, Dispatcher } from 'undici';
import { onceAborted } from './abort.js';
import { usesEnvironmentProxy } from './environment-proxy.js';
import type { LoadedCredentials } from './tls-credentials.js';

type Undici = typeof import('undici');

/** What a pool's connections are made with. */
export interface ConnectionPoolOptions {
  readonly credentials: LoadedCredentials;
  readonly serverName: string | undefined;
  /** For connections through a proxy; the others end with the request that they are made for. */
  readonly proxyTimeoutMs: number;
}

/** Over which connection a request went; filled in while it is sent. */
export interface Attempt {
  socket?: Socket | undefined;
  /** What that connection had brought before. */
  bytesBefore?: number;
}

/** What the agents of undici hand on to the client of a connection, among the options of a request. */
interface TrackedOptions {
  readonly attempt?: Attempt;
  readonly signal?: AbortSignal;
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
      ? new undici.EnvHttpProxyAgent({ connect, factory, requestTls: { ...tls, timeout }, proxyTls: { timeout } })
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

/** Returns whether a request failed because its kept-alive connection had ended: without a byte of an answer. */
export function wasStale({ socket, bytesBefore = 0 }: Attempt): boolean {
  return bytesBefore > 0 && socket?.bytesRead === bytesBefore;
}

/** A client of one connection; it tells the {@link Attempt} of each request how the connection stands that it goes over. */
function trackedClient(
  undici: Undici,
  origin: URL,
  options: { connect?: buildConnector.connector },
  onConnected: (socket: Socket) => void,
): Dispatcher {
  let socket: Socket | undefined;
  let latest: TrackedOptions | undefined;
  const connect: buildConnector.connector = (connectOptions, callback) => {
    let forgetSignal: (() => void) | undefined;
    const connecting: unknown = options.connect!(connectOptions, (...result) => {
      forgetSignal?.();
      socket = result[1] ?? undefined;
      // One through a proxy was made elsewhere.
      if (socket !== undefined) onConnected(socket);
      Object.assign(latest?.attempt ?? {}, { socket, bytesBefore: 0 });
      callback(...result);
    });
    // undici heeds the signal of a request only once there is a connection.
    if (connecting instanceof Socket && latest?.signal !== undefined) {
      const destroy = () => void connecting.destroy(new Error('The request was aborted.'));
      forgetSignal = onceAborted(latest.signal, destroy);
    }
  };
  class TrackedClient extends undici.Client {
    // A pool gives a client one request at a time.
    override dispatch(request: Dispatcher.DispatchOptions & TrackedOptions, handler: Dispatcher.DispatchHandler) {
      latest = request;
      Object.assign(request.attempt ?? {}, { socket, bytesBefore: socket?.bytesRead ?? 0 });
      return super.dispatch(request, handler);
    }
  }
  return new TrackedClient(origin, { ...options, connect });
}
