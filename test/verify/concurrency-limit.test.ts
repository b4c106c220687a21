import * as fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ConcurrencyLimit } from '../../src/verify/concurrency-limit.js';
import { Gate } from '../helpers/gate.js';

afterEach(() => {
  vi.useRealTimers();
});

const limitOf = (maxRunning: number, maxWaiting = 1000, timeoutMs = 1000) =>
  new ConcurrencyLimit({ maxRunning, maxWaiting, timeoutMs, toError: (why) => new Error(why) });

/** Microtasks until nothing moves. */
const settle = async () => {
  for (let n = 0; n < 20; n++) await Promise.resolve();
};

describe('ConcurrencyLimit', () => {
  it('never runs more than it may, leaves none out, whichever ends first and however', async () => {
    const work = fc.record({ succeeds: fc.boolean(), endsAt: fc.integer({ min: 0, max: 20 }) });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(work, { maxLength: 12 }), async (max, works) => {
        const limit = limitOf(max);
        const begun: number[] = [];
        let running = 0;
        const gates = works.map(() => new Gate());
        const results = works.map(({ succeeds }, n) =>
          limit
            .run(async () => {
              begun.push(n);
              running += 1;
              expect(running).toBeLessThanOrEqual(max);
              await gates[n]!.opened;
              running -= 1;
              if (!succeeds) throw new Error(`${n}`);
              return n;
            })
            .catch((error: Error) => -Number(error.message) - 1),
        );
        const ends = works.map(({ endsAt }, n) => ({ endsAt, n })).sort((a, b) => a.endsAt - b.endsAt);
        for (const { n } of ends) {
          gates[n]!.open();
          await settle();
        }
        expect(await Promise.all(results)).toEqual(works.map(({ succeeds }, n) => (succeeds ? n : -n - 1)));
        expect(begun.toSorted((a, b) => a - b)).toEqual(works.map((_, n) => n));
      }),
    );
  });

  it('ends the wait of each at its own deadline, and gives its turn to the next', async () => {
    vi.useFakeTimers();
    const limit = limitOf(1);
    const stuck = new Gate();
    const first = limit.run(() => stuck.opened);
    const second = limit.run(async () => 'second').catch((error: Error) => error.message);
    await vi.advanceTimersByTimeAsync(500);
    const third = limit.run(async () => 'third');
    await vi.advanceTimersByTimeAsync(500);
    expect(await second).toBe('it waited for its turn for 1000 ms');
    stuck.open();
    await first;
    expect(await third).toBe('third');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('begins the newest of those that wait', async () => {
    const limit = limitOf(1);
    const gates = Array.from({ length: 4 }, () => new Gate());
    const begun: number[] = [];
    const results = gates.map((gate, n) =>
      limit.run(async () => {
        begun.push(n);
        await gate.opened;
      }),
    );
    for (const gate of [gates[0]!, ...gates.slice(1).reverse()]) {
      gate.open();
      await settle();
    }
    await Promise.all(results);
    expect(begun).toEqual([0, 3, 2, 1]);
  });

  it('refuses the one that has waited longest when as many wait as may', async () => {
    const limit = limitOf(1, 1);
    const gate = new Gate();
    const first = limit.run(() => gate.opened);
    const second = limit.run(async () => 'second').catch((error: Error) => error.message);
    const third = limit.run(async () => 'third');
    expect(await second).toBe('1 are under way, and 1 that came later wait');
    gate.open();
    await first;
    expect(await third).toBe('third');
    expect(await limit.run(async () => 'later')).toBe('later');
  });
});
