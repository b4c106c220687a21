import { ClockLead } from './clock-lead.js';
import { type Grant, movedBack } from './grant.js';

/** The earliest refresh after a grant was obtained, however short its life: limits the load on the server. */
const SOONEST_REFRESH_MS = 1_000;

/**
 * Holds the grant in use, and decides whether it may be handed out. A grant ends when either clock says so: the wall clock, which goes
 * on while the process is suspended, or the monotonic clock, which nobody sets back.
 */
export class GrantInUse<G extends Grant> {
  #grant: G | undefined;
  /** The clocks by which the times of the grant are right. */
  #clockLead = new ClockLead();
  /** The token as a promise, made once: the cached path of `getToken` allocates nothing. */
  cached: Promise<string> | undefined;
  /** Until when {@link cached} and {@link token} are handed out unchecked, in milliseconds since the epoch. */
  freshUntilMs = Number.NEGATIVE_INFINITY;
  /** Whether there was ever a grant. */
  hasBeenSet = false;

  /** The token, expired or not. */
  get token(): string | undefined {
    return this.#grant?.token;
  }

  /** The grant, unless it has expired. */
  get usable(): G | undefined {
    return this.expiresInMs > 0 ? this.#grant : undefined;
  }

  /** Milliseconds until the grant should be refreshed; negative infinity without a grant. */
  get refreshInMs(): number {
    this.#followClock();
    return this.#grant === undefined ? Number.NEGATIVE_INFINITY : this.#grant.refreshAtMs - Date.now();
  }

  /** Milliseconds until the grant expires; infinite without a grant. */
  get expiresInMs(): number {
    this.#followClock();
    return this.#grant === undefined ? Number.POSITIVE_INFINITY : this.#grant.expiresAtMs - Date.now();
  }

  /** @param grant - its times are right by the clock as it is now */
  set(grant: G): void {
    const refreshAtMs = Math.max(grant.refreshAtMs, grant.obtainedAtMs + SOONEST_REFRESH_MS);
    this.#clockLead = new ClockLead();
    this.#take({ ...grant, refreshAtMs: Math.min(refreshAtMs, grant.expiresAtMs) });
    this.cached = Promise.resolve(grant.token);
    this.hasBeenSet = true;
  }

  /** Forgets a grant that has expired. Returns whether it has expired since the last call. */
  expire(): boolean {
    if (this.#grant === undefined || this.usable !== undefined) return false;
    this.forget();
    return true;
  }

  forget(): void {
    this.#grant = undefined;
    this.cached = undefined;
    this.freshUntilMs = Number.NEGATIVE_INFINITY;
  }

  /**
   * Moves the times of the grant along with a clock that was set back, so that no token lives longer. A clock set forward looks like a
   * suspended process, so the times stay.
   */
  #followClock(): void {
    if (this.#grant === undefined) return;
    const setBackMs = this.#clockLead.takeSetBack();
    if (setBackMs > 0) this.#take(movedBack(this.#grant, setBackMs));
  }

  #take(grant: G): void {
    this.#grant = grant;
    this.freshUntilMs = grant.refreshAtMs;
  }
}
