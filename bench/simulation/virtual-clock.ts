import { setImmediate as nextTurn } from 'node:timers/promises';

interface VirtualTimer {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/**
 * Time that passes only when it is told to: replaces `Date.now`, `setTimeout` and `clearTimeout` of this process, so that the
 * library runs unchanged through thirty days in seconds.
 */
export class VirtualClock {
  nowMs: number;
  readonly #timers = new Map<object, VirtualTimer>();
  readonly #platform = { now: Date.now, setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
  #order = 0;

  constructor(startMs: number) {
    this.nowMs = startMs;
  }

  install(): void {
    Date.now = () => this.nowMs;
    globalThis.setTimeout = ((callback: () => void, delayMs = 0) => {
      const handle = { unref: () => handle, ref: () => handle, hasRef: () => false, refresh: () => handle };
      this.#timers.set(handle, { atMs: this.nowMs + Math.max(1, delayMs), order: this.#order++, callback });
      return handle;
    }) as never;
    globalThis.clearTimeout = ((handle: object | undefined) => {
      if (handle !== undefined) this.#timers.delete(handle);
    }) as never;
  }

  uninstall(): void {
    Date.now = this.#platform.now;
    globalThis.setTimeout = this.#platform.setTimeout;
    globalThis.clearTimeout = this.#platform.clearTimeout;
  }

  /** Lets time pass, timers fire in their order, and what they started end: on an in-memory file system that takes one turn. */
  async advanceTo(atMs: number): Promise<void> {
    for (let next = this.#next(); next !== undefined && next[1].atMs <= atMs; next = this.#next()) {
      const [handle, timer] = next;
      this.#timers.delete(handle);
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

  #next(): [object, VirtualTimer] | undefined {
    let first: [object, VirtualTimer] | undefined;
    for (const entry of this.#timers) {
      const isEarlier = first === undefined || entry[1].atMs - first[1].atMs || entry[1].order - first[1].order;
      if (first === undefined || Number(isEarlier) < 0) first = entry;
    }
    return first;
  }
}
