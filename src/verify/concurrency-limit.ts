import { WaitingLine, type WaitingLineOptions } from './waiting-line.js';

/** Options of {@link ConcurrencyLimit}. */
export interface ConcurrencyLimitOptions extends WaitingLineOptions {
  /** Maximum of jobs running at once. */
  readonly maxRunning: number;
}

/** Limits the number of jobs running at once; the others wait in a {@link WaitingLine}. */
export class ConcurrencyLimit {
  readonly #maxRunning: number;
  readonly #line: WaitingLine;
  #running = 0;

  constructor({ maxRunning, ...line }: ConcurrencyLimitOptions) {
    this.#maxRunning = maxRunning;
    this.#line = new WaitingLine(line);
  }

  /**
   * Runs work as soon as the limit allows, and settles as the work does.
   *
   * @param work - must settle; it needs its own deadline
   */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#maxRunning) this.#running += 1;
    else await this.#line.wait(`${this.#maxRunning} are under way`);
    try {
      return await work();
    } finally {
      // The slot is handed over, so that no newcomer takes it in between.
      if (!this.#line.beginNext()) this.#running -= 1;
    }
  }
}
