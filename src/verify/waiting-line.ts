/** Options of {@link WaitingLine}. */
export interface WaitingLineOptions {
  /** Maximum of jobs waiting; one more rejects the job that has waited longest. */
  readonly maxWaiting: number;
  /** Time limit of the wait, in milliseconds; up to a tenth less where others wait already. */
  readonly timeoutMs: number;
  /** Creates the error for a job that did not run. */
  readonly toError: (why: string) => Error;
}

/**
 * One timer checks the waiting jobs this often within `timeoutMs`. While a process is stopped, no more than a tenth of the time passes,
 * as in `withDeadline`: input that came meanwhile is handled before the time is up.
 */
const LOOKS = 10;

/** A waiting job. */
interface Turn {
  /** How many checks there had been when it came. */
  readonly look: number;
  readonly sinceMs: number;
  begin(): void;
  refuse(error: Error): void;
}

/**
 * Jobs that wait for their turn. The newest is next: in an overload, such as a flood of forged tokens, first in, first out would make
 * every job wait until nobody needs its result. The wait of each has a time limit, and all share one timer.
 */
export class WaitingLine {
  readonly #options: WaitingLineOptions;
  /** The newest last. */
  readonly #waiting: Turn[] = [];
  #looks = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WaitingLineOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /**
   * Resolves when it is this job's turn.
   *
   * @param others - which jobs are before it, for the error
   */
  wait(others: string): Promise<void> {
    const { maxWaiting, toError } = this.#options;
    if (this.#waiting.length >= maxWaiting) {
      this.#waiting.shift()?.refuse(toError(`${others}, and ${maxWaiting} that came later wait`));
    }
    this.#timer ??= this.#lookLater();
    return new Promise((begin, refuse) => {
      this.#waiting.push({ look: this.#looks, sinceMs: performance.now(), begin, refuse });
    });
  }

  /** Gives the newest job its turn; returns whether there was one. */
  beginNext(): boolean {
    const next = this.#waiting.pop();
    if (this.#waiting.length === 0) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
    next?.begin();
    return next !== undefined;
  }

  #lookLater(): NodeJS.Timeout {
    return setTimeout(() => this.#look(), Math.ceil(this.#options.timeoutMs / LOOKS));
  }

  /** Refuses those whose time is up. */
  #look(): void {
    this.#looks += 1;
    while (this.#waiting[0] !== undefined && this.#looks - this.#waiting[0].look >= LOOKS) {
      const { sinceMs, refuse } = this.#waiting.shift()!;
      refuse(this.#options.toError(`it waited for its turn for ${Math.round(performance.now() - sinceMs)} ms`));
    }
    this.#timer = this.#waiting.length === 0 ? undefined : this.#lookLater();
  }
}
