/**
 * A token bucket: a burst at once, then one in each interval (monotonic clock).
 */
export class TokenBucket {
  readonly #capacity: number;
  readonly #refillMs: number;
  #level: number;
  #filledAtMs = performance.now();

  /**
   * @param capacity - size of the burst; the bucket starts full
   * @param refillMs - interval after which one more may be taken, in milliseconds
   */
  constructor(capacity: number, refillMs: number) {
    this.#capacity = capacity;
    this.#refillMs = refillMs;
    this.#level = capacity;
  }

  /** Takes one, and returns whether there was one. */
  take(): boolean {
    const nowMs = performance.now();
    // Fake timers of a test can set even this clock back, which must not take anything away.
    const passedMs = Math.max(0, nowMs - this.#filledAtMs);
    this.#level = Math.min(this.#capacity, this.#level + passedMs / this.#refillMs);
    this.#filledAtMs = nowMs;
    if (this.#level < 1) return false;
    this.#level -= 1;
    return true;
  }
}
