import { type Grant, movedBack } from './grant.js';

/** The two clocks are read one after the other, and dates are whole milliseconds: a smaller difference says nothing. */
const JITTER_MS = 1;

/**
 * How far the clock on the wall is ahead of the monotonic one. Less than before means that it was set back. More means that it was
 * set forward, or that the process was suspended: the two look the same.
 */
export class ClockLead {
  #leadMs = Date.now() - performance.now();
  readonly #notedAtMs = performance.now();

  /** Returns by how many milliseconds the clock was set back since this was noted or asked; 0 when it was not. */
  takeSetBack(): number {
    const leadMs = Date.now() - performance.now();
    const setBackMs = this.#leadMs - leadMs;
    if (setBackMs <= JITTER_MS) return 0;
    this.#leadMs = leadMs;
    return setBackMs;
  }

  /**
   * Returns a grant that was obtained since this was noted, with times that are right by the clock as it is now. Where that was set
   * back meanwhile, the grant counts as obtained when this was noted: which clock its times are of cannot be told.
   */
  correct<G extends Grant>(grant: G): G {
    if (this.takeSetBack() === 0 && grant.obtainedAtMs <= Date.now()) return grant;
    const notedAtMs = Date.now() - (performance.now() - this.#notedAtMs);
    return movedBack(grant, Math.max(0, grant.obtainedAtMs - notedAtMs));
  }
}
