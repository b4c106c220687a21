import { afterEach, describe, expect, it, vi } from 'vitest';
import { retryAfterMs } from '../../src/exchange/retry-after.js';

afterEach(() => {
  vi.useRealTimers();
});

describe('Retry-After', () => {
  it.each<[string, string | undefined, number | undefined]>([
    ['seconds', '120', 120_000],
    ['no wait', '0', 0],
    ['a date', 'Sun, 01 Mar 2026 12:00:30 GMT', 30_000],
    ['a date that has passed', 'Sun, 01 Mar 2026 11:00:00 GMT', 0],
    ['no header', undefined, undefined],
    ['nothing', '', undefined],
    ['words', 'soon', undefined],
    ['a fraction with a unit', '1.5s', undefined],
  ])('%s', (_what, value, expected) => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 2, 1, 12) });
    expect(retryAfterMs(value)).toBe(expected);
  });
});
