/** The longest pause after a first failure, and after any, in milliseconds. */
const FIRST_MS = 1_000;
const LONGEST_MS = 5 * 60_000;

/**
 * A pause is at most this share of the time since the first failure, so recovery is noticed within this share of the outage: 5 s
 * after an outage of 20 s. Doubled pauses would grow to the length of the outage.
 */
const SHARE_OF_OUTAGE = 0.25;

/** A longer `Retry-After` is a mistake, and would outlast every token. */
const LONGEST_RETRY_AFTER_MS = 60 * 60_000;

/**
 * Pauses between failed attempts. They grow with the outage, from 1 s to 5 min, and the second half of each is random, so that many
 * pods that lost a server together do not retry together. With full jitter, the short pauses raised the peak by half.
 * The outage is measured with the monotonic clock.
 *
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export class BackOff {
  #failingSince: number | undefined;

  /**
   * Returns the pause after one more failure, in milliseconds.
   *
   * @param retryAfterMs - the server's `Retry-After`; the pause is added to it
   */
  next(retryAfterMs = 0): number {
    const now = performance.now();
    this.#failingSince ??= now;
    const longestMs = Math.min(LONGEST_MS, Math.max(FIRST_MS, (now - this.#failingSince) * SHARE_OF_OUTAGE));
    return Math.min(LONGEST_RETRY_AFTER_MS, retryAfterMs) + (0.5 + Math.random() / 2) * longestMs;
  }

  /** Resets the pauses after a success. */
  reset(): void {
    this.#failingSince = undefined;
  }
}
