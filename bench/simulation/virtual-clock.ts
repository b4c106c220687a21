import { setImmediate as nextTurn } from 'node:timers/promises';

interface VirtualTimer {
  readonly atMs: number;
  readonly order: number;
  /** Undefined once it was cleared. */
  callback: (() => void) | undefined;
}

/**
 * Time that passes only when it is told to: replaces `Date.now`, `performance.now`, `setTimeout` and `clearTimeout` of this process,
 * so that the library runs unchanged through thirty days in seconds.
 */
export class VirtualClock {
  nowMs: number;
  readonly #timers = new TimerHeap();
  readonly #startMs: number;
  readonly #platform = {
    now: Date.now,
    monotonicNow: performance.now,
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
  };
  #order = 0;

  constructor(startMs: number) {
    this.nowMs = startMs;
    this.#startMs = startMs;
  }

  install(): void {
    Date.now = () => this.nowMs;
    performance.now = () => this.nowMs - this.#startMs;
    globalThis.setTimeout = ((callback: () => void, delayMs = 0) => {
      const timer: VirtualTimer = { atMs: this.nowMs + Math.max(1, delayMs), order: this.#order++, callback };
      this.#timers.add(timer);
      return Object.assign(timer, { unref: () => timer, ref: () => timer, hasRef: () => false });
    }) as never;
    globalThis.clearTimeout = ((timer: VirtualTimer | undefined) => {
      if (timer !== undefined) timer.callback = undefined;
    }) as never;
  }

  uninstall(): void {
    Date.now = this.#platform.now;
    performance.now = this.#platform.monotonicNow;
    globalThis.setTimeout = this.#platform.setTimeout;
    globalThis.clearTimeout = this.#platform.clearTimeout;
  }

  /** Lets time pass, timers fire in their order, and what they started end: on an in-memory file system that takes one turn. */
  async advanceTo(atMs: number): Promise<void> {
    for (let timer = this.#timers.first; timer !== undefined && timer.atMs <= atMs; timer = this.#timers.first) {
      this.#timers.removeFirst();
      if (timer.callback === undefined) continue;
      this.nowMs = Math.max(this.nowMs, timer.atMs);
      timer.callback();
      await nextTurn();
    }
    this.nowMs = atMs;
  }

  /** Lets what was started at this moment end. */
  async settle(): Promise<void> {
    await nextTurn();
  }
}

/** Timers, the one that is due first at hand: a binary heap, for a simulation may have ten thousand. */
class TimerHeap {
  readonly #timers: VirtualTimer[] = [];

  get first(): VirtualTimer | undefined {
    return this.#timers[0];
  }

  add(timer: VirtualTimer): void {
    const timers = this.#timers;
    let index = timers.push(timer) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(timer, timers[parent]!)) break;
      timers[index] = timers[parent]!;
      index = parent;
    }
    timers[index] = timer;
  }

  removeFirst(): void {
    const timers = this.#timers;
    const last = timers.pop();
    if (last === undefined || timers.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= timers.length) break;
      if (child + 1 < timers.length && isBefore(timers[child + 1]!, timers[child]!)) child++;
      if (!isBefore(timers[child]!, last)) break;
      timers[index] = timers[child]!;
      index = child;
    }
    timers[index] = last;
  }
}

function isBefore(a: VirtualTimer, b: VirtualTimer): boolean {
  return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs;
}
