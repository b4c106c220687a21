/** Exchanges that rejected tokens may cause in a burst. */
const BURST = 4;

/** One more is allowed after this time: with the burst, 12 in any hour. */
const ONE_MORE_AFTER_MS = 7.5 * 60_000;

/** A token that worked for this long before it was rejected was revoked, so a new one is likely to work. */
const WORKED_MS = 60_000;

/**
 * Limits the exchanges that are made because a server rejected a token. If every new token is rejected too, the fault is not in the
 * token, and an exchange for each request would only be load.
 *
 * A token bucket that refills with time only (monotonic clock); no success and no pause resets it.
 */
export class RefusalLimit {
  #left = BURST;
  #countedAt = Number.NEGATIVE_INFINITY;
  #lastAllowedAt = Number.NEGATIVE_INFINITY;

  /**
   * Returns whether the rejected token may be exchanged for another, and counts the exchange.
   *
   * @param isConfirmed - whether the issuer says that the token is no longer valid
   */
  allow(isConfirmed: boolean): boolean {
    const now = performance.now();
    this.#left = Math.min(BURST, this.#left + (now - this.#countedAt) / ONE_MORE_AFTER_MS);
    this.#countedAt = now;
    const isRevocation = isConfirmed && now - this.#lastAllowedAt >= WORKED_MS;
    if (this.#left < 1 && !isRevocation) return false;
    this.#left = Math.max(0, this.#left - 1);
    this.#lastAllowedAt = now;
    return true;
  }
}
