import type { ReadTrigger } from './provider-status.js';

/** Pause between two looks at a file that should change any moment: short against the 29 s that a rotation can leave. */
const TIGHT_POLL_MS = 1000;

/** When to look at the file next, if nothing else leads to a look: one timer, which does not keep the process alive. */
export class ReadSchedule {
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param pollIntervalMs - pause between two looks while nothing is expected of the file
   * @param look - is called when a look is due
   */
  constructor(
    private readonly pollIntervalMs: number,
    private readonly look: (trigger: Extract<ReadTrigger, 'poll' | 'timer'>) => void,
  ) {}

  /**
   * Sets the timer anew: for the next poll, or the moment before it at which time alone changes something.
   *
   * @param isCalm - whether nothing is expected of the file now
   * @param nextMarkMs - the next moment at which time alone changes something, in milliseconds since the epoch
   */
  arm(isCalm: boolean, nextMarkMs: number): void {
    const nowMs = Date.now();
    const pollAtMs = nowMs + (isCalm ? this.pollIntervalMs : Math.min(this.pollIntervalMs, TIGHT_POLL_MS));
    const wakeAtMs = Math.min(pollAtMs, nextMarkMs);
    this.stop();
    this.#timer = setTimeout(() => this.look(wakeAtMs < pollAtMs ? 'timer' : 'poll'), wakeAtMs - nowMs);
    this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
