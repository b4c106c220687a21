import { vi } from 'vitest';
import { turn } from './turn.js';

/** When the clock of {@link fakeClock} begins. */
export const START = Date.UTC(2026, 2, 1, 12);

/** More than ever fire in one millisecond, unless one sets the next for ever. */
const MAX_TIMERS_AT_ONCE = 1_000;

/** Lets no time pass by itself, and makes every random number `chance`: sockets and streams go on. */
export function fakeClock(chance = 0.999_999): void {
  vi.useFakeTimers({ now: START, toFake: ['Date', 'setTimeout', 'clearTimeout', 'performance'] });
  vi.spyOn(Math, 'random').mockReturnValue(chance);
}

export function realClock(): void {
  vi.restoreAllMocks();
  vi.useRealTimers();
}

/** Time passes, timers fire, and what they started goes on as far as it can without the network. */
export async function passSeconds(seconds: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(seconds * 1000);
}

/**
 * As {@link passSeconds}, but in turns of the event loop instead of milliseconds: for thousands of sequences.
 *
 * @param settle - waits for what a timer has started; a turn is enough for promises
 */
export async function passQuickly(ms: number, settle = turn): Promise<void> {
  let isOver = false;
  setTimeout(() => {
    isOver = true;
  }, ms);
  await settle();
  let timersAtOnce = 0;
  while (!isOver) {
    const beforeMs = performance.now();
    vi.advanceTimersToNextTimer();
    timersAtOnce = performance.now() === beforeMs ? timersAtOnce + 1 : 0;
    if (timersAtOnce > MAX_TIMERS_AT_ONCE) throw new Error('Timers follow each other, and no time passes.');
    await settle();
  }
}

/** Time passes slowly enough for servers on loopback to answer within the time limits of the requests to them. */
export async function passSecondsSlowly(seconds: number, isEnough = () => false): Promise<void> {
  for (let second = 0; second < seconds && !isEnough(); second++) {
    await passSeconds(1);
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The clock is set, or the process was suspended: no timer fires. */
export function setClock(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000);
}

/** Seconds since {@link START}. */
export function secondsGone(): number {
  return (Date.now() - START) / 1000;
}
