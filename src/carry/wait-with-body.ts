import { finished } from 'node:stream';
import { onceAborted } from '../internal/abort.js';
import { abortReasonOf } from './settle-with-signal.js';

/** What a request brings to its wait for a token. */
export interface Waiting {
  /** Its body, of any kind. */
  readonly body: unknown;
  readonly signal?: AbortSignal | undefined;
  /** Makes the error of the client for a stream that failed, or was closed before its end: `ERR_STREAM_PREMATURE_CLOSE`. */
  readonly toError: (failure: Error) => unknown;
}

/**
 * Waits on behalf of a request whose body may fail meanwhile. The client, which would listen to a stream of Node from the call on, does
 * not have it yet, and an error that nobody listens to ends the process.
 *
 * @param work - gets a signal that aborts when the body fails, too
 */
export async function waitWithBody<T>(
  work: (signal: AbortSignal | undefined) => Promise<T>,
  { body, signal, toError }: Waiting,
): Promise<T> {
  if (!isNodeStream(body)) return work(signal);
  const ending = new AbortController();
  let failure: Error | undefined;
  const forgetBody = finished(body, { writable: false }, (error) => {
    failure = error ?? undefined;
    if (failure !== undefined) ending.abort(failure);
  });
  const forgetSignal = signal && onceAborted(signal, () => ending.abort(abortReasonOf(signal)));
  try {
    return await work(ending.signal);
  } catch (error) {
    throw failure !== undefined && error === failure ? toError(failure) : error;
  } finally {
    forgetSignal?.();
    // Once the client, which gets it in this turn, listens itself.
    process.nextTick(forgetBody);
  }
}

function isNodeStream(body: unknown): body is NodeJS.ReadableStream {
  const { pipe, on } = Object(body) as Partial<NodeJS.ReadableStream>;
  return typeof pipe === 'function' && typeof on === 'function';
}
