import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { RateCeiling } from '../../src/internal/rate-ceiling.js';

let work: ReturnType<typeof vi.fn<() => void>>;
let ceiling: RateCeiling;

beforeEach(() => {
  vi.useFakeTimers();
  work = vi.fn();
  ceiling = new RateCeiling(10, 3, work);
});
afterEach(() => void vi.useRealTimers());

const request = (times: number) => {
  for (let time = 0; time < times; time++) ceiling.request();
};

it('does the work at once while the allowance lasts', () => {
  request(3);
  expect(work).toHaveBeenCalledTimes(3);
  expect(vi.getTimerCount()).toBe(0);
});

it('does it once for all requests beyond, when there is allowance again', () => {
  request(100);
  expect(work).toHaveBeenCalledTimes(3);
  vi.advanceTimersByTime(99);
  expect(work).toHaveBeenCalledTimes(3);
  vi.advanceTimersByTime(1);
  expect(work).toHaveBeenCalledTimes(4);
  vi.advanceTimersByTime(10_000);
  expect(work).toHaveBeenCalledTimes(4);
});

it('keeps its rate for as long as requests come, and does the work after the last', () => {
  for (let ms = 0; ms < 10_000; ms++) {
    request(1);
    vi.advanceTimersByTime(1);
  }
  const before = work.mock.calls.length;
  expect(before).toBeGreaterThanOrEqual(100);
  expect(before).toBeLessThanOrEqual(3 + 100 + 1);
  request(1);
  vi.advanceTimersByTime(100);
  expect(work.mock.calls.length).toBe(before + 1);
});

it('has its whole allowance after a rest, and no more', () => {
  request(100);
  vi.advanceTimersByTime(3_600_000);
  work.mockClear();
  request(100);
  expect(work).toHaveBeenCalledTimes(3);
});

it('does nothing more once stopped', () => {
  request(100);
  ceiling.stop();
  vi.advanceTimersByTime(10_000);
  expect(work).toHaveBeenCalledTimes(3);
  expect(vi.getTimerCount()).toBe(0);
});
