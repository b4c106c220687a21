import { setImmediate as nextTurn } from 'node:timers/promises';

/** A timer as `setTimeout` of Node returns it. A class: simulations make millions. */
class VirtualTimer {
  /** @param callback - undefined once the timer was cleared */
  constructor(public callback: (() => void) | undefined) {}

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return false;
  }
}

/**
 * Time that passes only when it is told to: replaces `Date.now`, `performance.now`, `setTimeout` and `clearTimeout` of this process,
 * so that the library runs unchanged through thirty days in seconds.
 */
export class VirtualClock {
  /** The true time, which timers go by, in milliseconds since the epoch. */
  nowMs: number;
  /** How far the clock of the process is ahead of the true time, in milliseconds. */
  offsetMs = 0;
  readonly #timers = new TimerQueue();
  readonly #startMs: number;
  readonly #platform = {
    now: Date.now,
    monotonicNow: performance.now,
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
  };

  constructor(startMs: number) {
    this.nowMs = startMs;
    this.#startMs = startMs;
  }

  install(): void {
    Date.now = () => this.nowMs + this.offsetMs;
    performance.now = () => this.nowMs - this.#startMs;
    globalThis.setTimeout = ((callback: (...args: unknown[]) => void, delayMs = 0, ...args: unknown[]) => {
      const timer = new VirtualTimer(() => callback(...args));
      // Whole milliseconds, and one at least, as Node does it.
      this.#timers.add(Math.floor(this.nowMs + Math.max(1, delayMs)), timer);
      return timer;
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

  /**
   * Lets time pass: timers fire in their order, those of one millisecond in one turn, as in Node, and what they started ends. On an
   * in-memory file system that takes one turn.
   */
  async advanceTo(atMs: number): Promise<void> {
    for (let dueMs = this.#timers.firstMs; dueMs <= atMs; dueMs = this.#timers.firstMs) {
      this.nowMs = Math.max(this.nowMs, dueMs);
      let hasFired = false;
      for (const timer of this.#timers.takeFirst()) {
        if (timer.callback === undefined) continue;
        timer.callback();
        hasFired = true;
      }
      if (hasFired) await nextTurn();
    }
    this.nowMs = Math.max(this.nowMs, atMs);
  }

  /** The process stands still: time passes, and no timer fires before it goes on. */
  suspend(ms: number): void {
    this.nowMs += ms;
  }

  /** Lets what was started at this moment end. */
  async settle(): Promise<void> {
    await nextTurn();
  }
}

/** Timers by the millisecond at which they are due, the first at hand: a binary heap of milliseconds, each with its timers. */
class TimerQueue {
  readonly #timersAt = new Map<number, VirtualTimer[]>();
  readonly #heap: number[] = [];

  /** The millisecond at which the next timer is due; infinite when there is none. */
  get firstMs(): number {
    return this.#heap[0] ?? Number.POSITIVE_INFINITY;
  }

  add(atMs: number, timer: VirtualTimer): void {
    const timers = this.#timersAt.get(atMs);
    if (timers !== undefined) return void timers.push(timer);
    this.#timersAt.set(atMs, [timer]);
    const heap = this.#heap;
    let index = heap.push(atMs) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (heap[parent]! <= atMs) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = atMs;
  }

  /** Removes the timers that are due first, and returns them in the order in which they were made. */
  takeFirst(): readonly VirtualTimer[] {
    const heap = this.#heap;
    const firstMs = heap[0]!;
    const timers = this.#timersAt.get(firstMs)!;
    this.#timersAt.delete(firstMs);
    const last = heap.pop()!;
    if (heap.length === 0) return timers;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++;
      if (heap[child]! >= last) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return timers;
  }
}
