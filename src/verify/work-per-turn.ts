/** Options of {@link WorkPerTurn}. */
export interface WorkPerTurnOptions {
  /** How many pieces of work begin in one turn of the event loop. */
  readonly maxBegun: number;
  /** How many more may wait for a later turn; when another one comes, the one that has waited longest is refused. */
  readonly maxWaiting: number;
  /** Makes the error for work that did not get its turn. */
  readonly toError: (why: string) => Error;
}

/** As it was when this file was loaded: fake timers, in the tests of a program, must not keep a token waiting for ever. */
const afterThisTurn = setImmediate;

interface Wait {
  begin(): void;
  refuse(error: Error): void;
}

/**
 * Bounds the work that one turn of the event loop begins, so that other things have their turn soon, however much comes
 * in. As in a `ConcurrencyLimit`, the newest of those that wait is next.
 */
export class WorkPerTurn {
  readonly #options: WorkPerTurnOptions;
  /** The newest last. */
  readonly #waiting: Wait[] = [];
  #begun = 0;

  constructor(options: WorkPerTurnOptions) {
    this.#options = options;
  }

  /** Runs work, at once where this turn has room for it, and settles as the work does. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#begun === 0) afterThisTurn(() => this.#endTurn());
    if (this.#begun < this.#options.maxBegun) this.#begun += 1;
    else await this.#laterTurn();
    return work();
  }

  #laterTurn(): Promise<void> {
    const { maxBegun, maxWaiting, toError } = this.#options;
    if (this.#waiting.length >= maxWaiting) {
      this.#waiting.shift()?.refuse(toError(`${maxBegun} begin in a turn, and ${maxWaiting} that came later wait`));
    }
    return new Promise((begin, refuse) => {
      this.#waiting.push({ begin, refuse });
    });
  }

  /** The event loop has looked for input since the last time: those that wait are next. */
  #endTurn(): void {
    this.#begun = Math.min(this.#waiting.length, this.#options.maxBegun);
    if (this.#begun > 0) afterThisTurn(() => this.#endTurn());
    for (let n = 0; n < this.#begun; n++) this.#waiting.pop()!.begin();
  }
}
