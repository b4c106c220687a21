import { type Grant, movedBack } from './grant.js';

/** The two clocks are read one after the other, and dates are whole milliseconds: a smaller difference says nothing. */
const JITTER_MS = 1;

/**
 * How far the wall clock is ahead of the monotonic clock. A smaller lead than before means that the wall clock was set back. A larger
 * one means that it was set forward or the process was suspended, which cannot be told apart.
 */
export class ClockLead {
  #leadMs = Date.now() - performance.now();
  readonly #notedAtMs = performance.now();

  /** Returns by how many milliseconds the clock was set back since the last call; 0 if it was not. */
  takeSetBack(): number {
    const leadMs = Date.now() - performance.now();
    const setBackMs = this.#leadMs - leadMs;
    if (setBackMs <= JITTER_MS) return 0;
    this.#leadMs = leadMs;
    return setBackMs;
  }

  /**
   * Returns a grant obtained since this lead was taken, with times by the present clock. If the clock was set back meanwhile, the grant
   * counts as obtained when the lead was taken, as its times may be by either clock.
   */
  correct<G extends Grant>(grant: G): G {
    if (this.takeSetBack() === 0 && grant.obtainedAtMs <= Date.now()) return grant;
    const notedAtMs = Date.now() - (performance.now() - this.#notedAtMs);
    return movedBack(grant, Math.max(0, grant.obtainedAtMs - notedAtMs));
  }
}
