import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BackOff } from '../../src/exchange/back-off.js';
import { fakeClock, passSeconds, realClock, setClock } from '../helpers/fake-clock.js';

beforeEach(() => fakeClock());
afterEach(realClock);

/** Random numbers that are all the same, from 0 to 1. */
function chance(share: number): void {
  vi.mocked(Math.random).mockReturnValue(share);
}

/** Pauses in seconds, each waited for before the next failure. */
async function pauses(backOff: BackOff, count: number): Promise<number[]> {
  const seconds: number[] = [];
  for (let failure = 0; failure < count; failure++) {
    const pauseMs = backOff.next();
    seconds.push(pauseMs / 1000);
    await passSeconds(pauseMs / 1000);
  }
  return seconds;
}

describe('BackOff', () => {
  it('begins with a second, grows with the outage, and is at most a quarter of it', async () => {
    chance(1);
    const rounded = (await pauses(new BackOff(), 8)).map((seconds) => seconds.toFixed(2));
    expect(rounded).toEqual(['1.00', '1.00', '1.00', '1.00', '1.00', '1.25', '1.56', '1.95']);
  });

  it('is five minutes at the most, in an outage of a day', async () => {
    chance(1);
    const backOff = new BackOff();
    backOff.next();
    await passSeconds(20 * 60);
    expect(backOff.next()).toBe(300_000);
    await passSeconds(86_400);
    expect(backOff.next()).toBe(300_000);
  });

  it.each([0.5, 0.625, 0.75])('takes any share of it from a half on: %d', async (share) => {
    chance(2 * share - 1);
    const backOff = new BackOff();
    expect(backOff.next()).toBe(1000 * share);
    await passSeconds(40);
    expect(backOff.next()).toBe(10_000 * share);
  });

  it.each([-3600, 3600])('is not stretched by a clock that is set by %d s', (seconds) => {
    chance(1);
    const backOff = new BackOff();
    backOff.next();
    setClock(seconds);
    expect(backOff.next()).toBe(1000);
  });

  it('begins anew after a success', async () => {
    chance(1);
    const backOff = new BackOff();
    backOff.next();
    await passSeconds(100);
    backOff.reset();
    expect(backOff.next()).toBe(1000);
  });

  it('comes on top of what the server asked for, so that those who were told the same do not come together', () => {
    chance(0.5);
    expect(new BackOff().next(30_000)).toBe(30_750);
  });

  it('leaves a server alone for an hour at most, whatever it asked for', () => {
    chance(0);
    expect(new BackOff().next(30 * 86_400_000)).toBe(3_600_500);
  });
});
