import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TokenBucket } from '../../src/verify/token-bucket.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('TokenBucket', () => {
  it('gives so many at once, and then one in each interval', () => {
    const bucket = new TokenBucket(3, 1_000);
    const takeAll = () => {
      let taken = 0;
      while (bucket.take()) taken += 1;
      return taken;
    };
    expect(takeAll()).toBe(3);
    vi.advanceTimersByTime(999);
    expect(takeAll()).toBe(0);
    vi.advanceTimersByTime(1);
    expect(takeAll()).toBe(1);
    vi.advanceTimersByTime(60_000);
    expect(takeAll()).toBe(3);
  });

  it('never gives more than its capacity and one an interval, whenever it is asked and wherever the clock is set', () => {
    const step = fc.record({
      waitMs: fc.integer({ min: 0, max: 3_000 }),
      asks: fc.integer({ min: 1, max: 5 }),
      clockStepMs: fc.integer({ min: -3_600_000, max: 3_600_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const bucket = new TokenBucket(5, 1_000);
        let [taken, passedMs] = [0, 0];
        for (const { waitMs, asks, clockStepMs } of steps) {
          vi.advanceTimersByTime(waitMs);
          passedMs += waitMs;
          vi.setSystemTime(Date.now() + clockStepMs);
          for (let n = 0; n < asks; n++) if (bucket.take()) taken += 1;
          expect(taken).toBeLessThanOrEqual(5 + passedMs / 1_000);
        }
      }),
    );
  });
});
