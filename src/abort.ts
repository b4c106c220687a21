import { TokenAbortedError } from './errors.js';

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
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(toError());
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([aborted, work]);
  } finally {
    signal.removeEventListener('abort', onAbort!);
  }
}

function abortedError(signal: AbortSignal, what: string): TokenAbortedError {
  return new TokenAbortedError(`The caller's signal aborted ${what}.`, { cause: signal.reason });
}
