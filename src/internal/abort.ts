import { TokenAbortedError } from '../errors.js';

/** Throws {@link TokenAbortedError} when the signal has aborted. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw abortedError(signal, what);
}

/**
 * Waits for `work`, but no longer than until the signal aborts; the work itself goes on, as others may share it.
 *
 * @param what - completes the sentence "The caller's signal aborted …"
 * @throws `ERR_TOKEN_ABORTED`, with the signal's reason as cause
 */
export function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined, what: string): Promise<T> {
  return signal === undefined ? work : raceAbort(work, signal, () => abortedError(signal, what));
}

/** Waits for `work`, but no longer than until the signal aborts; then rejects with the error made by `toError`. */
export async function raceAbort<T>(work: Promise<T>, signal: AbortSignal, toError: () => Error): Promise<T> {
  let stopWaiting: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stopWaiting = onceAborted(signal, () => reject(toError()));
  });
  try {
    return await Promise.race([aborted, work]);
  } finally {
    stopWaiting!();
  }
}

/** What the aborting of each signal ends. */
const waiting = new WeakMap<AbortSignal, Waits>();

/**
 * Calls back when the signal aborts, at once when it has, and gives back what takes that back.
 *
 * A signal gets one listener however many wait for it, as all requests of a server wait for the signal of its
 * shutdown: the platform warns of a leak at the eleventh.
 */
export function onceAborted(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) {
    callback();
    return () => {};
  }
  const waits = waiting.get(signal) ?? new Waits(signal);
  return waits.add(callback);
}

/** All that waits for one signal, for as long as anything does. */
class Waits {
  readonly #callbacks = new Set<() => void>();

  constructor(private readonly signal: AbortSignal) {
    waiting.set(signal, this);
    signal.addEventListener('abort', this, { once: true });
  }

  add(callback: () => void): () => void {
    this.#callbacks.add(callback);
    return () => {
      // A second time it must not end what others began meanwhile.
      if (!this.#callbacks.delete(callback) || this.#callbacks.size > 0) return;
      waiting.delete(this.signal);
      this.signal.removeEventListener('abort', this);
    };
  }

  /** Called by the platform, as this object is the listener. */
  handleEvent(): void {
    for (const callback of this.#callbacks) callback();
  }
}

function abortedError(signal: AbortSignal, what: string): TokenAbortedError {
  return new TokenAbortedError(`The caller's signal aborted ${what}.`, { cause: signal.reason });
}
