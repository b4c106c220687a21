/** Exchanges that rejected tokens may cause at once … */
const BURST = 4;

/** … and how long one more takes to be allowed: with the burst, 12 in any hour. */
const ONE_MORE_AFTER_MS = 7.5 * 60_000;

/** A token that worked for that long before it was rejected was revoked: another one can be expected to work as well. */
const WORKED_MS = 60_000;

/**
 * Limits the exchanges that are made because a server rejected a token. Where every new token is rejected as well, it is not the
 * token that is wrong, and another exchange for each request would only be load.
 *
 * A budget that refills with time (monotonic clock) and with nothing else: no success and no pause resets it.
 */
export class RefusalLimit {
  #left = BURST;
  #countedAt = Number.NEGATIVE_INFINITY;
  #lastAllowedAt = Number.NEGATIVE_INFINITY;

  /**
   * Returns whether a token that was rejected now may be exchanged for another, and counts that exchange.
   *
   * @param isConfirmed - whether the server that issued the token says that it is not good any more
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
