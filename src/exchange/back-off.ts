/** The longest pause after a first failure, and after any, in milliseconds. */
const FIRST_MS = 1_000;
const LONGEST_MS = 5 * 60_000;

/**
 * A pause is at most this share of the time since the first failure, so recovery takes at most this share of the outage: 5 s
 * after an outage of 20 s. Pauses that double would grow to the length of the outage itself.
 */
const SHARE_OF_OUTAGE = 0.25;

/** A longer `Retry-After` is a mistake, and would outlast every token. */
const LONGEST_RETRY_AFTER_MS = 60 * 60_000;

/**
 * Pauses between attempts that fail. They grow with the outage, from 1 s to 5 min, and a random half of each is left out, so that
 * many pods that lost a server together do not come back together: with full jitter, short pauses made the peak half as high again.
 * The outage is measured with the monotonic clock.
 *
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export class BackOff {
  #failingSince: number | undefined;

  /**
   * Returns the pause after one more failure, in milliseconds.
   *
   * @param retryAfterMs - how long the server asked to be left alone; the pause comes on top of it
   */
  next(retryAfterMs = 0): number {
    const now = performance.now();
    this.#failingSince ??= now;
    const longestMs = Math.min(LONGEST_MS, Math.max(FIRST_MS, (now - this.#failingSince) * SHARE_OF_OUTAGE));
    return Math.min(LONGEST_RETRY_AFTER_MS, retryAfterMs) + (0.5 + Math.random() / 2) * longestMs;
  }

  /** Call this after a success: the next pause is short again. */
  reset(): void {
    this.#failingSince = undefined;
  }
}
