import { Socket } from 'node:net';
import type { buildConnector, Dispatcher } from 'undici';
import { onceAborted } from './abort.js';
import { codeOf } from './http-error.js';

/** Over which connection a request went; filled in while it is sent. */
export interface Attempt {
  socket?: Socket | undefined;
  /** What that connection had brought before. */
  bytesBefore?: number;
}

/** What the agents of undici hand on to the client of a connection, among the options of a request. */
export interface TrackedOptions {
  readonly attempt?: Attempt;
  readonly signal?: AbortSignal;
}

/** Returns whether a request failed because its kept-alive connection had ended: without a byte of an answer. */
export function wasStale({ socket, bytesBefore = 0 }: Attempt): boolean {
  return bytesBefore > 0 && socket?.bytesRead === bytesBefore;
}

/** A client of one connection; it tells the {@link Attempt} of each request how the connection stands that it goes over. */
export function trackedClient(
  undici: typeof import('undici'),
  origin: URL,
  options: { connect?: buildConnector.connector },
  onConnected: (socket: Socket) => void,
): Dispatcher {
  let socket: Socket | undefined;
  let latest: TrackedOptions | undefined;
  const connect: buildConnector.connector = (connectOptions, callback) => {
    let forgetSignal: (() => void) | undefined;
    const connecting: unknown = options.connect!(connectOptions, (...[error, connected]) => {
      forgetSignal?.();
      socket = connected ?? undefined;
      Object.assign(latest?.attempt ?? {}, { socket, bytesBefore: 0 });
      if (error !== null) return callback(endOfTunnel(error) ?? error, null);
      // One through a proxy was made elsewhere.
      onConnected(connected);
      callback(null, connected);
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

/**
 * What undici is told of a proxy that closes the connection instead of opening a tunnel: as an error of the system. After a
 * SocketError it would connect again, at once and without end.
 */
function endOfTunnel(error: Error): Error | undefined {
  return codeOf(error) === 'UND_ERR_SOCKET'
    ? Object.assign(new Error(error.message), { code: 'ECONNRESET' })
    : undefined;
}
