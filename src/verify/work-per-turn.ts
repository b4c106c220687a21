import { WaitingLine, type WaitingLineOptions } from './waiting-line.js';

/** Options of {@link WorkPerTurn}. */
export interface WorkPerTurnOptions extends WaitingLineOptions {
  /** Maximum of jobs that begin in one turn of the event loop. */
  readonly maxBegun: number;
}

/** As it was when this file was loaded: fake timers, in the tests of a program, must not keep a token waiting for ever. */
const afterThisTurn = setImmediate;

/**
 * Limits the jobs that one turn of the event loop begins, so that other things have their turn soon, however many come in. The others wait in
 * a {@link WaitingLine}.
 */
export class WorkPerTurn {
  readonly #maxBegun: number;
  readonly #line: WaitingLine;
  #begun = 0;

  constructor({ maxBegun, ...line }: WorkPerTurnOptions) {
    this.#maxBegun = maxBegun;
    this.#line = new WaitingLine(line);
  }

  /** Runs work, at once where this turn has room for it, and settles as the work does. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#begun === 0) afterThisTurn(() => this.#endTurn());
    if (this.#begun < this.#maxBegun) this.#begun += 1;
    else await this.#line.wait(`${this.#maxBegun} begin in a turn`);
    return work();
  }

  /** The event loop has looked for input since the last time: those that wait are next. */
  #endTurn(): void {
    this.#begun = Math.min(this.#line.length, this.#maxBegun);
    if (this.#begun > 0) afterThisTurn(() => this.#endTurn());
    for (let n = 0; n < this.#begun; n++) this.#line.beginNext();
  }
}
