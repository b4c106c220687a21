/**
 * Does work at most so often: at once while the allowance lasts, then as soon as there is some again. No request is lost:
 * the work is done after the last one, once for all that came meanwhile.
 */
export class RateCeiling {
  #allowance: number;
  #countedAt = performance.now();
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param perSecond - how often the work is done in the long run
   * @param atOnce - how often without a pause, after a rest
   */
  constructor(
    private readonly perSecond: number,
    private readonly atOnce: number,
    private readonly work: () => void,
  ) {
    this.#allowance = atOnce;
  }

  request(): void {
    // The one that is due comes after this request as well.
    if (this.#timer !== undefined) return;
    const now = performance.now();
    this.#allowance = Math.min(this.atOnce, this.#allowance + ((now - this.#countedAt) / 1000) * this.perSecond);
    this.#countedAt = now;
    this.#allowance--;
    if (this.#allowance >= 0) {
      this.work();
      return;
    }
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.work();
      },
      (-this.#allowance / this.perSecond) * 1000,
    );
    this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
