import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WorkPerTurn } from '../../src/verify/work-per-turn.js';

const workOf = (maxBegun: number, maxWaiting = 1000, timeoutMs = 1000) =>
  new WorkPerTurn({ maxBegun, maxWaiting, timeoutMs, toError: (why) => new Error(why) });

afterEach(() => {
  vi.useRealTimers();
});

describe('WorkPerTurn', () => {
  it('goes on under fake timers', async () => {
    vi.useFakeTimers();
    const perTurn = workOf(1);
    expect(await Promise.all([1, 2, 3].map((n) => perTurn.run(async () => n)))).toEqual([1, 2, 3]);
  });

  it('begins so many at once, and the others in the turns that follow, the newest first', async () => {
    const perTurn = workOf(2);
    const begun: number[] = [];
    const results = Promise.all([0, 1, 2, 3, 4].map((n) => perTurn.run(async () => begun.push(n))));
    expect(begun).toEqual([0, 1]);
    await nextTurn();
    expect(begun).toEqual([0, 1, 4, 3]);
    // The turn of those that waited is used up as well.
    void perTurn.run(async () => begun.push(5));
    expect(begun).toEqual([0, 1, 4, 3]);
    await nextTurn();
    expect(begun).toEqual([0, 1, 4, 3, 5, 2]);
    await results;
  });

  it('ends the wait of one that newer ones keep from its turn', async () => {
    vi.useFakeTimers();
    const perTurn = workOf(1);
    void perTurn.run(async () => 'first');
    const second = perTurn.run(async () => 'second').catch((error: Error) => error.message);
    // The clock goes on, and no turn ends.
    vi.advanceTimersByTime(1000);
    expect(await second).toBe('it waited for its turn for 1000 ms');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('begins at once again after a turn in which nothing waited', async () => {
    const perTurn = workOf(1);
    for (let n = 0; n < 3; n++) {
      let begun = false;
      const result = perTurn.run(async () => {
        begun = true;
      });
      expect(begun).toBe(true);
      await result;
      await nextTurn();
    }
  });

  it('settles as the work does, and goes on after one that failed', async () => {
    const perTurn = workOf(1);
    const results = [1, 2, 3].map((n) =>
      perTurn.run(async () => {
        if (n === 3) throw new Error(`${n}`);
        return n;
      }),
    );
    expect(await Promise.allSettled(results)).toMatchObject([{ value: 1 }, { value: 2 }, { reason: { message: '3' } }]);
  });

  it('refuses the one that has waited longest when as many wait as may', async () => {
    const perTurn = workOf(1, 1);
    const [first, second, third] = ['first', 'second', 'third'].map((name) => perTurn.run(async () => name));
    await expect(second).rejects.toThrow('1 begin in a turn, and 1 that came later wait');
    expect(await Promise.all([first, third])).toEqual(['first', 'third']);
  });
});
