import { onceAborted } from './abort.js';

/**
 * The time is counted in this many slices, each begun when the one before it was seen to end. While a process stands still
 * (suspended, stopped, a blocked event loop) at most one of them passes: what came in meanwhile is looked at before the time
 * is up. A single timer that is due fires before any input is looked at.
 */
const SLICES = 10;

/** What limits a piece of work. */
export interface Deadline {
  /** How long the work may take, in milliseconds, from 1 to 2147483647. */
  readonly timeoutMs: number;
  /** Makes the error for work that took longer. */
  readonly toError: () => Error;
  /** Ends the wait as well; the result then rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs work that may never settle: rejects when its time is up or the signal aborts, and tells the work so by the signal
 * it is given. Work that ignores that signal goes on, and nobody waits for it any more.
 *
 * The timer is held by the event loop and by nothing else. `AbortSignal.any` holds its sources weakly: on Node 20 a time
 * limit inside of it can be collected, and the limit is gone (nodejs/node issue 54614).
 */
export async function withDeadline<T>(
  work: (signal: AbortSignal) => Promise<T>,
  { timeoutMs, toError, signal }: Deadline,
): Promise<T> {
  signal?.throwIfAborted();
  const ending = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let forgetSignal: (() => void) | undefined;
  const ended = new Promise<never>((_, reject) => {
    const end = (reason: unknown) => {
      reject(reason);
      ending.abort(reason);
    };
    const wait = (slicesLeft: number) => {
      if (slicesLeft === 0) end(toError());
      else timer = setTimeout(wait, Math.ceil(timeoutMs / SLICES), slicesLeft - 1);
    };
    wait(SLICES);
    if (signal !== undefined) forgetSignal = onceAborted(signal, () => end(signal.reason));
  });
  try {
    return await Promise.race([ended, work(ending.signal)]);
  } finally {
    clearTimeout(timer);
    forgetSignal?.();
  }
}
