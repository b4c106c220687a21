// To be imported before all else: counts the timers that are set from then on.
const pending = new Set<unknown>();
const { setTimeout: set, clearTimeout: clear } = globalThis;

globalThis.setTimeout = Object.assign((callback: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
  const timer = set(() => {
    pending.delete(timer);
    callback(...args);
  }, ms);
  pending.add(timer);
  return timer;
}, set);

globalThis.clearTimeout = (timer) => {
  pending.delete(timer);
  clear(timer);
};

/** Timers that wait, unref'd ones included: those `process.getActiveResourcesInfo` leaves out, and all of the library's are. */
export function pendingTimers(): number {
  return pending.size;
}
