import { afterEach, describe, expect, it, vi } from 'vitest';
import { BackOff } from '../../src/exchange/back-off.js';

afterEach(() => {
  vi.restoreAllMocks();
});

/** Random numbers that are all the same, from 0 to 1. */
function chance(share: number): void {
  vi.spyOn(Math, 'random').mockReturnValue(share);
}

const pauses = (backOff: BackOff, count: number) => Array.from({ length: count }, () => backOff.next());

describe('BackOff', () => {
  it('doubles the longest pause from 1 s on, up to 5 min', () => {
    chance(1);
    const seconds = pauses(new BackOff(), 11).map((ms) => ms / 1000);
    expect(seconds).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
  });

  it.each([0, 0.25, 0.5])('takes any share of it: %d', (share) => {
    chance(share);
    expect(pauses(new BackOff(), 3)).toEqual([1000 * share, 2000 * share, 4000 * share]);
  });

  it('has not forgotten how to count after a thousand failures', () => {
    chance(1);
    expect(pauses(new BackOff(), 2000).at(-1)).toBe(300_000);
  });

  it('begins anew after a success', () => {
    chance(1);
    const backOff = new BackOff();
    pauses(backOff, 5);
    backOff.reset();
    expect(backOff.next()).toBe(1000);
  });

  it('comes on top of what the server asked for, so that those who were told the same do not come together', () => {
    chance(0.5);
    expect(new BackOff().next(30_000)).toBe(30_500);
  });

  it('leaves a server alone for an hour at most, whatever it asked for', () => {
    chance(0);
    expect(new BackOff().next(30 * 86_400_000)).toBe(3_600_000);
  });
});
