import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ReadSchedule } from '../../src/provider/read-schedule.js';

const START_MS = Date.UTC(2026, 2, 1, 12);
const POLL_MS = 10_000;

/** What was called, and how many milliseconds after the start. */
let calls: [what: string, atMs: number][];
let nextMarkMs: number;
let schedule: ReadSchedule;

beforeEach(() => {
  vi.useFakeTimers({ now: START_MS });
  calls = [];
  nextMarkMs = Number.POSITIVE_INFINITY;
  schedule = new ReadSchedule(POLL_MS, {
    onLook: (trigger) => void calls.push([trigger, Date.now() - START_MS]),
    onTime: () => {
      calls.push(['time', Date.now() - START_MS]);
      return nextMarkMs;
    },
  });
});
afterEach(() => {
  schedule.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('the next look', () => {
  it('is a poll interval away while nothing is expected of the file', () => {
    schedule.arm(true, Number.POSITIVE_INFINITY);
    vi.advanceTimersByTime(60_000);
    expect(calls).toEqual([['poll', POLL_MS]]);
  });

  it('is a second away while something is', () => {
    schedule.arm(false, Number.POSITIVE_INFINITY);
    vi.advanceTimersByTime(60_000);
    expect(calls).toEqual([['poll', 1000]]);
  });

  it('is no further away than the poll interval', () => {
    schedule = new ReadSchedule(50, {
      onLook: (trigger) => void calls.push([trigger, Date.now() - START_MS]),
      onTime: () => 0,
    });
    schedule.arm(false, Number.POSITIVE_INFINITY);
    vi.advanceTimersByTime(1000);
    expect(calls).toEqual([['poll', 50]]);
  });

  it('is counted from the end of the one before', () => {
    schedule.arm(true, Number.POSITIVE_INFINITY);
    schedule.pausePolling();
    vi.advanceTimersByTime(60_000);
    expect(calls).toEqual([]);
  });
});

describe('a mark', () => {
  it('leads to a look', () => {
    schedule.arm(true, START_MS + 3000);
    vi.advanceTimersByTime(3000);
    expect(calls).toEqual([['timer', 3000]]);
  });

  it('passes although a look is under way, and is the last thing that waits for it', () => {
    schedule.arm(true, START_MS + 3000);
    schedule.pausePolling();
    nextMarkMs = START_MS + 7000;
    vi.advanceTimersByTime(60_000);
    nextMarkMs = Number.POSITIVE_INFINITY;
    expect(calls.slice(0, 4)).toEqual([
      ['timer', 3000],
      ['time', 3500],
      ['timer', 7000],
      ['time', 7500],
    ]);
  });

  it('does not pass by itself where the look ends in time', () => {
    schedule.arm(true, START_MS + 3000);
    vi.advanceTimersByTime(3100);
    schedule.arm(true, Number.POSITIVE_INFINITY);
    vi.advanceTimersByTime(5000);
    expect(calls).toEqual([['timer', 3000]]);
  });

  it('may be further away than a timer can be set', () => {
    schedule.arm(true, START_MS + 2 ** 40);
    schedule.pausePolling();
    vi.advanceTimersByTime(1000);
    expect(calls).toEqual([]);
  });
});
