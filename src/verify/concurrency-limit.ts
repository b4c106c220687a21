import { onceAborted } from '../internal/abort.js';
import { withDeadline } from '../internal/deadline.js';

/** Options of {@link ConcurrencyLimit}. */
export interface ConcurrencyLimitOptions {
  /** How many pieces of work run at once. */
  readonly maxRunning: number;
  /** How many more may wait for their turn; when another one comes, the one that has waited longest is refused. */
  readonly maxWaiting: number;
  /** How long one may wait for its turn, in milliseconds. */
  readonly timeoutMs: number;
  /** Makes the error for work that did not get its turn. */
  readonly toError: (why: string) => Error;
}

/** A piece of work that waits. */
interface Turn {
  begin(): void;
  refuse(error: Error): void;
}

/**
 * Bounds what runs at once. The newest of those that wait is next: while more comes in than can be done, as in a flood of
 * forged tokens, first come, first served would let all wait until nobody needs the answer any more. Each has a deadline of its own.
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
   * Runs work when it is its turn, and settles as the work does.
   *
   * @param work - must settle some day; it has a deadline of its own where it waits for others
   */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#options.maxRunning) this.#running += 1;
    else await this.#turn();
    try {
      return await work();
    } finally {
      const next = this.#waiting.pop();
      // The turn is handed over, so that nobody who comes in between takes it.
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
