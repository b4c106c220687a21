import type { ClientRequest } from 'node:http';
import type { Options, RequestError } from 'got';
import { withDeadline } from '../internal/deadline.js';

/** The longest time that a timer can wait. */
const LONGEST_MS = 2 ** 31 - 1;

/** What got makes of a time limit that passed, before it wraps it: a class of that name too, which got does not export. */
class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
  readonly code = 'ETIMEDOUT';
  readonly event = 'request';

  constructor(limitMs: number) {
    super(`Timeout awaiting 'request' for ${limitMs}ms`);
  }
}

/** The option `timeout.request` of an attempt that had to wait for its token: got itself begins to count when it sends. */
export class TimeLimit {
  /** None if no timer can wait as long. */
  readonly #limitMs: number | undefined;
  #waitedMs = 0;

  constructor({
    timeout: { request: limitMs = Infinity },
    hooks: { beforeError },
  }: Pick<Options, 'timeout' | 'hooks'>) {
    if (limitMs > LONGEST_MS) return;
    this.#limitMs = limitMs;
    // Before the program's own hooks, which get what got gives them; and nowhere else, as got waits for each hook.
    if (!beforeError.includes(asTimeoutError)) beforeError.unshift(asTimeoutError);
  }

  /** Waits for work that ends when the signal aborts or the time is up. */
  async wait<T>(work: (signal: AbortSignal | undefined) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const limitMs = this.#limitMs;
    if (limitMs === undefined) return work(signal);
    const startedAt = performance.now();
    const value = await withDeadline(work, {
      timeoutMs: Math.max(1, Math.ceil(limitMs)),
      toError: () => new TimeoutError(limitMs),
      signal,
    });
    this.#waitedMs = performance.now() - startedAt;
    return value;
  }

  /** Ends a request when the time that was left for it is up. As in got, it runs from when there is a request. */
  cover(request: ClientRequest): void {
    const limitMs = this.#limitMs;
    if (limitMs === undefined) return;
    const leftMs = Math.max(1, limitMs - this.#waitedMs);
    const timer = setTimeout(() => request.destroy(new TimeoutError(limitMs)), leftMs).unref();
    request.once('close', () => clearTimeout(timer));
  }
}

/** The error of got for a time limit that passed, where got did not know it for one. */
async function asTimeoutError(error: RequestError): Promise<RequestError> {
  const { cause, request } = error;
  if (!(cause instanceof TimeoutError) || request === undefined) return error;
  // Loaded at the first use: got is an ES module only, and this one must load where such a module cannot be required.
  const got = await import('got').catch(() => undefined);
  if (got === undefined || error instanceof got.TimeoutError) return error;
  return new got.TimeoutError(cause as never, error.timings ?? ({} as never), request);
}
