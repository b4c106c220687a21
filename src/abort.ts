import { TokenAbortedError } from './errors.js';

/** Throws {@link TokenAbortedError} when the signal has aborted. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw abortedError(signal, what);
}

/** Waits for `work`, but no longer than until the signal aborts. The work itself goes on: others may share it. */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined, what: string): Promise<T> {
  if (signal === undefined) return work;
  throwIfAborted(signal, what);
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(abortedError(signal, what));
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort!);
  }
}

function abortedError(signal: AbortSignal, what: string): TokenAbortedError {
  return new TokenAbortedError(`The caller's signal aborted ${what}.`, { cause: signal.reason });
}
