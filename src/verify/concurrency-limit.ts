import { onceAborted } from '../internal/abort.js';
import { withDeadline } from '../internal/deadline.js';

/** Options of {@link ConcurrencyLimit}. */
export interface ConcurrencyLimitOptions {
  /** How many pieces of work run at once. */
  readonly maxRunning: number;
  /** How many more may wait for their turn; what comes then is refused at once. */
  readonly maxWaiting: number;
  /** How long one may wait for its turn, in milliseconds. */
  readonly timeoutMs: number;
  /** Makes the error for work that did not get its turn. */
  readonly toError: (why: string) => Error;
}

/** Bounds what runs at once. The others wait in the order in which they came, each with a deadline of its own. */
export class ConcurrencyLimit {
  readonly #options: ConcurrencyLimitOptions;
  /** What begins the work of those that wait; a Set keeps the order of insertion. */
  readonly #waiting = new Set<() => void>();
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
      const [next] = this.#waiting;
      // The turn is handed over, so that nobody who comes in between takes it.
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  #turn(): Promise<void> {
    const { maxRunning, maxWaiting, timeoutMs, toError } = this.#options;
    if (this.#waiting.size >= maxWaiting) throw toError(`${maxRunning} are under way and ${maxWaiting} wait already`);
    const turn = (signal: AbortSignal) =>
      new Promise<void>((resolve) => {
        const begin = () => {
          forget();
          this.#waiting.delete(begin);
          resolve();
        };
        const forget = onceAborted(signal, () => this.#waiting.delete(begin));
        this.#waiting.add(begin);
      });
    return withDeadline(turn, { timeoutMs, toError: () => toError(`it waited for its turn for ${timeoutMs} ms`) });
  }
}
