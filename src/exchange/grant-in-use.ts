import type { Grant } from './grant.js';

/** A grant is not refreshed sooner than this after it was obtained, however short its life: a floor for the load on the server. */
const SOONEST_REFRESH_MS = 1_000;

/**
 * Holds the grant in use. Knows neither timers nor servers: it is told the time, and answers what may be handed out then.
 */
export class GrantInUse<G extends Grant> {
  #grant: G | undefined;
  /** The token as a promise, made once: the cached path of `getToken` allocates nothing. */
  cached: Promise<string> | undefined;
  /** Until when {@link cached} is handed out without a further look, in milliseconds since the epoch. */
  freshUntilMs = Number.NEGATIVE_INFINITY;
  /** Whether there was ever a grant. */
  hasBeenSet = false;

  /** The grant, unless it has expired. */
  usable(nowMs: number): G | undefined {
    return this.#grant !== undefined && nowMs < this.#grant.expiresAtMs ? this.#grant : undefined;
  }

  /** When the grant should be refreshed, in milliseconds since the epoch; undefined without a grant. */
  get refreshAtMs(): number | undefined {
    return this.#grant?.refreshAtMs;
  }

  /** When the grant expires, in milliseconds since the epoch; infinite without a grant. */
  get expiresAtMs(): number {
    return this.#grant?.expiresAtMs ?? Number.POSITIVE_INFINITY;
  }

  set(grant: G): void {
    this.#take({ ...grant, refreshAtMs: Math.max(grant.refreshAtMs, grant.obtainedAtMs + SOONEST_REFRESH_MS) });
    this.cached = Promise.resolve(grant.token);
    this.hasBeenSet = true;
  }

  /** Forgets a grant that has expired. Returns whether it has expired since the last call. */
  expire(nowMs: number): boolean {
    if (this.#grant === undefined || this.usable(nowMs) !== undefined) return false;
    this.forget();
    return true;
  }

  forget(): void {
    this.#grant = undefined;
    this.cached = undefined;
    this.freshUntilMs = Number.NEGATIVE_INFINITY;
  }

  /** Moves the times of the grant: a clock that was set back makes no token live longer. */
  followClock(setBackMs: number): void {
    const grant = this.#grant;
    if (grant === undefined) return;
    this.#take({
      ...grant,
      obtainedAtMs: grant.obtainedAtMs - setBackMs,
      expiresAtMs: grant.expiresAtMs - setBackMs,
      refreshAtMs: grant.refreshAtMs - setBackMs,
    });
  }

  #take(grant: G): void {
    this.#grant = grant;
    this.freshUntilMs = Math.min(grant.refreshAtMs, grant.expiresAtMs);
  }
}
