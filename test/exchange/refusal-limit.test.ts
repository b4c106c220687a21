import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RefusalLimit } from '../../src/exchange/refusal-limit.js';
import { fakeClock, passSeconds, realClock, setClock } from '../helpers/fake-clock.js';

beforeEach(() => fakeClock());
afterEach(realClock);

/** How many exchanges are allowed of those asked for once a second. */
async function allowedIn(limit: RefusalLimit, seconds: number, isConfirmed: boolean): Promise<number> {
  let allowed = 0;
  for (let second = 0; second < seconds; second++) {
    if (limit.allow(isConfirmed)) allowed++;
    await passSeconds(1);
  }
  return allowed;
}

describe('RefusalLimit', () => {
  it('allows four exchanges at once, and one more each seven and a half minutes', async () => {
    const limit = new RefusalLimit();
    expect(await allowedIn(limit, 10, false)).toBe(4);
    expect(await allowedIn(limit, 439, false)).toBe(0);
    expect(await allowedIn(limit, 3, false)).toBe(1);
  });

  it('allows 12 in an hour, whatever happens, and does not reset itself', async () => {
    const limit = new RefusalLimit();
    expect(await allowedIn(limit, 3600, false)).toBeLessThanOrEqual(12);
    for (let hour = 1; hour <= 5; hour++) expect(await allowedIn(limit, 3600, false)).toBe(8);
  });

  it('always allows the exchange of a token that worked for a minute and was revoked then', async () => {
    const limit = new RefusalLimit();
    expect(await allowedIn(limit, 10, false)).toBe(4);
    for (let revocation = 0; revocation < 20; revocation++) {
      await passSeconds(60);
      expect(limit.allow(true)).toBe(true);
      expect(limit.allow(false)).toBe(false);
    }
  });

  it('allows tokens that are revoked as soon as they are given four times, then one a minute', async () => {
    const limit = new RefusalLimit();
    expect(await allowedIn(limit, 50, true)).toBe(4);
    expect(await allowedIn(limit, 600, true)).toBeLessThanOrEqual(11);
  });

  it('does not look at the clock on the wall', () => {
    const limit = new RefusalLimit();
    for (let exchange = 0; exchange < 4; exchange++) expect(limit.allow(false)).toBe(true);
    setClock(3600);
    expect(limit.allow(false)).toBe(false);
    setClock(-7200);
    expect(limit.allow(true)).toBe(false);
  });
});
