import { BackOff } from './back-off.js';

/** Tokens in a row that may be refused soon after they were given, before there are pauses. */
const FREE_REFUSALS = 3;

/** A token that worked for that long and is refused then was revoked. */
const SOON_MS = 60_000;

/**
 * Limits the exchanges made because a server refused a token: where every new token is refused at once, it is not the token that
 * is wrong, and another exchange for each request would only be load.
 */
export class RefusalLimit {
  #inARow = 0;
  #pauseUntilMs = Number.NEGATIVE_INFINITY;
  readonly #backOff = new BackOff();

  /** Whether a token that is refused now may be exchanged for another. */
  allows(nowMs: number): boolean {
    return nowMs >= this.#pauseUntilMs;
  }

  /** A token was replaced because it was refused. */
  count(obtainedAtMs: number, nowMs: number): void {
    if (nowMs - obtainedAtMs > SOON_MS) {
      this.#inARow = 0;
      this.#backOff.reset();
    }
    this.#inARow++;
    if (this.#inARow > FREE_REFUSALS) this.#pauseUntilMs = nowMs + this.#backOff.next();
  }
}
