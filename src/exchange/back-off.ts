/** Bounds of the pause after a failure, in milliseconds. */
const FIRST_MS = 1_000;
const LONGEST_MS = 5 * 60_000;

/** A longer `Retry-After` is a mistake, and would outlast every token. */
const LONGEST_RETRY_AFTER_MS = 60 * 60_000;

/**
 * Pauses between attempts that fail: each up to twice as long as the one before, from 1 s to 5 min, with full jitter, so that many
 * pods that lost a server together do not come back together.
 *
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export class BackOff {
  #failures = 0;

  /**
   * The pause after one more failure, in milliseconds.
   *
   * @param retryAfterMs - how long the server asked to be left alone; the pause comes on top of it
   */
  next(retryAfterMs = 0): number {
    const longestMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#failures);
    this.#failures++;
    return Math.min(LONGEST_RETRY_AFTER_MS, retryAfterMs) + Math.random() * longestMs;
  }

  /** After a success: the next pause is short again. */
  reset(): void {
    this.#failures = 0;
  }
}
