import { MAX_TIMER_MS } from '../internal/option-checks.js';
import type { ReadTrigger } from './provider-status.js';

/** Pause between two looks at a file that should change any moment: short against the 29 s that a rotation can leave. */
const TIGHT_POLL_MS = 1000;

/**
 * How long after a mark time passes though the look at the file is still under way, in milliseconds. A healthy volume
 * answers within a few: a process that was suspended through a rotation finds the new token before it says that the old
 * one expired.
 */
const LOOK_GRACE_MS = 500;

/** What a {@link ReadSchedule} calls. */
export interface ReadScheduleListener {
  /** A look at the file is due. */
  onLook(trigger: Extract<ReadTrigger, 'poll' | 'timer'>): void;
  /** A mark has passed, and the look that it led to has not ended yet. Returns the next mark. */
  onTime(): number;
}

/**
 * When to look at the file next, if nothing else leads to a look, and when time alone changes something (a mark). The
 * marks have a timer of their own, so that a look that does not come back holds up no time. Keeps no process alive.
 */
export class ReadSchedule {
  #pollTimer: NodeJS.Timeout | undefined;
  #markTimer: NodeJS.Timeout | undefined;

  /** @param pollIntervalMs - pause between two looks while nothing is expected of the file */
  constructor(
    private readonly pollIntervalMs: number,
    private readonly listener: ReadScheduleListener,
  ) {}

  /**
   * Call this when a look has ended.
   *
   * @param isCalm - whether nothing is expected of the file now
   * @param markMs - the next mark, in milliseconds since the epoch; infinite when there is none
   */
  arm(isCalm: boolean, markMs: number): void {
    this.stop();
    this.#awaitMark(markMs);
    const pauseMs = isCalm ? this.pollIntervalMs : Math.min(this.pollIntervalMs, TIGHT_POLL_MS);
    this.#pollTimer = setTimeout(() => this.listener.onLook('poll'), pauseMs);
    this.#pollTimer.unref();
  }

  /** Call this when a look has begun: the next poll is counted from its end. */
  pausePolling(): void {
    clearTimeout(this.#pollTimer);
  }

  stop(): void {
    clearTimeout(this.#pollTimer);
    clearTimeout(this.#markTimer);
  }

  #awaitMark(markMs: number): void {
    if (markMs === Number.POSITIVE_INFINITY) return;
    // A timer cuts fractions off, and would be early.
    const delayMs = Math.min(Math.max(0, Math.ceil(markMs - Date.now())), MAX_TIMER_MS);
    this.#setMarkTimer(delayMs, () => {
      this.#setMarkTimer(LOOK_GRACE_MS, () => this.#awaitMark(this.listener.onTime()));
      this.listener.onLook('timer');
    });
  }

  #setMarkTimer(delayMs: number, callback: () => void): void {
    clearTimeout(this.#markTimer);
    this.#markTimer = setTimeout(callback, delayMs);
    this.#markTimer.unref();
  }
}
