import { onceAborted } from './abort.js';

/**
 * A timer that fires later than this says that the process stood still (suspended, stopped, a busy event loop), and
 * nothing about the work: what came in meanwhile has not been looked at yet.
 */
const STANDSTILL_MS = 500;

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
    const wait = (delayMs: number, mayWaitAgain: boolean) => {
      const dueAt = performance.now() + delayMs;
      timer = setTimeout(() => {
        const lateMs = performance.now() - dueAt;
        if (mayWaitAgain && lateMs > STANDSTILL_MS) wait(Math.min(timeoutMs, 2 * STANDSTILL_MS), false);
        else end(toError());
      }, delayMs);
    };
    wait(timeoutMs, true);
    if (signal !== undefined) forgetSignal = onceAborted(signal, () => end(signal.reason));
  });
  try {
    return await Promise.race([ended, work(ending.signal)]);
  } finally {
    clearTimeout(timer);
    forgetSignal?.();
  }
}
