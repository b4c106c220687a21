import { onceAborted } from '../internal/abort.js';
import { withDeadline } from '../internal/deadline.js';

/** Options of {@link ConcurrencyLimit}. */
export interface ConcurrencyLimitOptions {
  /** Maximum of jobs running at once. */
  readonly maxRunning: number;
  /** Maximum of jobs waiting; one more rejects the job that has waited longest. */
  readonly maxWaiting: number;
  /** Time limit of the wait, in milliseconds. */
  readonly timeoutMs: number;
  /** Creates the error for a job that did not run. */
  readonly toError: (why: string) => Error;
}

/** A waiting job. */
interface Turn {
  begin(): void;
  refuse(error: Error): void;
}

/**
 * Limits the number of jobs running at once. Waiting jobs run newest first: in an overload, such as a flood of forged tokens, first in,
 * first out would make every job wait until nobody needs its result. The wait of each has a time limit.
 */
export class ConcurrencyLimit {
  readonly #options: ConcurrencyLimitOptions;
  /** The newest last. */
  readonly #waiting: Turn[] = [];
  #running = 0;

  constructor(options: ConcurrencyLimitOptions) {
    this.#options = options;
  }

  /**
   * Runs work as soon as the limit allows, and settles as the work does.
   *
   * @param work - must settle; it needs its own deadline
   */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#options.maxRunning) this.#running += 1;
    else await this.#turn();
    try {
      return await work();
    } finally {
      const next = this.#waiting.pop();
      // The slot is handed over, so that no newcomer takes it in between.
      if (next === undefined) this.#running -= 1;
      else next.begin();
    }
  }

  #turn(): Promise<void> {
    const { maxRunning, maxWaiting, timeoutMs, toError } = this.#options;
    if (this.#waiting.length >= maxWaiting) {
      this.#waiting.shift()?.refuse(toError(`${maxRunning} are under way, and ${maxWaiting} that came later wait`));
    }
    const turn = (signal: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        const forget = onceAborted(signal, () => void this.#waiting.splice(this.#waiting.indexOf(waiting), 1));
        const waiting: Turn = {
          begin() {
            forget();
            resolve();
          },
          refuse(error) {
            forget();
            reject(error);
          },
        };
        this.#waiting.push(waiting);
      });
    return withDeadline(turn, { timeoutMs, toError: () => toError(`it waited for its turn for ${timeoutMs} ms`) });
  }
}
