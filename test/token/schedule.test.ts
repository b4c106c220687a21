import { describe, expect, it } from 'vitest';
import type { BoundTokenClaims } from '../../src/token/claims.js';
import { effectiveExpirySeconds, overdueAtSeconds, refreshAtSeconds } from '../../src/token/schedule.js';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;
const IAT = 1_700_000_000;

/** Claims of a token, its times in seconds after it was issued. */
function claims({ exp, warnAfter }: { exp?: number; warnAfter?: number }): BoundTokenClaims {
  return {
    iat: IAT,
    ...(exp !== undefined && { exp: IAT + exp }),
    'kubernetes.io': { ...(warnAfter !== undefined && { warnafter: IAT + warnAfter }) },
  };
}

const sinceIssued = (seconds: number | undefined) => seconds && seconds - IAT;

describe('a token', () => {
  // The kubelet's own times (token_manager.go, requiresRefresh), without its jitter of up to 10 s before them.
  it.each([
    ['600 s', { exp: 600 }, { refresh: 480, overdue: 570, end: 600 }],
    ['an hour', { exp: HOUR }, { refresh: 2880, overdue: 2980, end: HOUR }],
    ['2 h', { exp: 2 * HOUR }, { refresh: 5760, overdue: 5860, end: 2 * HOUR }],
    ['a day', { exp: DAY }, { refresh: 69_120, overdue: 69_220, end: DAY }],
    ['30 h', { exp: 30 * HOUR }, { refresh: DAY, overdue: DAY + 100, end: 30 * HOUR }],
    ['31 h', { exp: 31 * HOUR }, { refresh: DAY, overdue: DAY + 100, end: 31 * HOUR }],
    ['a year', { exp: YEAR }, { refresh: DAY, overdue: DAY + 100, end: YEAR }],
    [
      'a year, to be replaced in an hour',
      { exp: YEAR, warnAfter: 3607 },
      { refresh: 2885.6, overdue: 2985.6, end: 3607 },
    ],
    [
      'an hour, with a warning that comes later',
      { exp: HOUR, warnAfter: 2 * HOUR },
      { refresh: 2880, overdue: 2980, end: HOUR },
    ],
    ['no end but a warning', { warnAfter: 600 }, { refresh: 480, overdue: 570, end: 600 }],
    ['a second', { exp: 1 }, { refresh: 0.8, overdue: 0.95, end: 1 }],
  ])('of %s is refreshed, overdue and over at its times', (_, times, { refresh, overdue, end }) => {
    expect(sinceIssued(refreshAtSeconds(claims(times)))).toBeCloseTo(refresh, 5);
    expect(sinceIssued(overdueAtSeconds(claims(times)))).toBeCloseTo(overdue, 5);
    expect(sinceIssued(effectiveExpirySeconds(claims(times)))).toBe(end);
  });

  it('without a time of issue goes by the time from which it is valid', () => {
    expect(refreshAtSeconds({ nbf: IAT, exp: IAT + 600 })).toBe(IAT + 480);
    expect(refreshAtSeconds({ iat: IAT, nbf: IAT + 100, exp: IAT + 600 })).toBe(IAT + 480);
  });

  it.each<[string, BoundTokenClaims]>([
    ['no times', {}],
    ['no beginning', { exp: IAT + 600 }],
    ['no end', { iat: IAT }],
    ['an end at its beginning', { iat: IAT, exp: IAT }],
    ['an end before its beginning', { iat: IAT, exp: IAT - 600 }],
    ['a warning before its beginning', { iat: IAT, exp: IAT + 600, 'kubernetes.io': { warnafter: IAT - 1 } }],
  ])('with %s has no schedule', (_, claims) => {
    expect(refreshAtSeconds(claims)).toBeUndefined();
    expect(overdueAtSeconds(claims)).toBeUndefined();
  });

  it('without an end has none', () => {
    expect(effectiveExpirySeconds({ iat: IAT })).toBeUndefined();
    expect(effectiveExpirySeconds({ iat: IAT, exp: 7 })).toBe(7);
  });
});
