/**
 * Runs one piece of work at a time, and once for all who ask at the same time.
 *
 * Who asks while a run is under way gets one more run, which begins after it and is shared by all who asked meanwhile:
 * what the run under way has seen may be older than the question. So no event is ever swallowed, and no more than two
 * runs are ever due.
 */
export class CoalescedRuns<Reason> {
  #underWay: Promise<void> | undefined;
  #due: Promise<void> | undefined;

  /** @param work - must not reject */
  constructor(private readonly work: (reason: Reason) => Promise<void>) {}

  /** The run that has begun and not ended. */
  get underWay(): Promise<void> | undefined {
    return this.#underWay;
  }

  /** Resolves at the end of a run that began after this call. */
  run(reason: Reason): Promise<void> {
    this.#due ??= this.#runAfter(this.#underWay, reason);
    return this.#due;
  }

  async #runAfter(previous: Promise<void> | undefined, reason: Reason): Promise<void> {
    // Even without a run to wait for, this one begins a turn later: all who ask in this turn share it.
    await previous;
    this.#underWay = this.#due;
    this.#due = undefined;
    try {
      await this.work(reason);
    } finally {
      this.#underWay = undefined;
    }
  }
}
