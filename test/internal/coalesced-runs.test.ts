import { describe, expect, it } from 'vitest';
import { CoalescedRuns } from '../../src/internal/coalesced-runs.js';
import { turn } from '../helpers/turn.js';

/** Runs that a test lets end one by one. */
class Held {
  readonly begun: string[] = [];
  readonly #ends: (() => void)[] = [];
  readonly runs = new CoalescedRuns<string>((reason) => {
    this.begun.push(reason);
    return new Promise((resolve) => this.#ends.push(resolve));
  });

  async end(): Promise<void> {
    this.#ends.shift()?.();
    await turn();
  }
}

const isSettled = async (promise: Promise<void>) => {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  await turn();
  return settled;
};

describe('coalesced runs', () => {
  it('begin a turn after they were asked for', async () => {
    const { runs, begun } = new Held();
    const run = runs.run('a');
    expect(begun).toEqual([]);
    expect(runs.underWay).toBeUndefined();
    await Promise.resolve();
    await Promise.resolve();
    expect(begun).toEqual(['a']);
    expect(runs.underWay).toBe(run);
  });

  it('are one for all who ask in the same turn', async () => {
    const held = new Held();
    const asked = [held.runs.run('a'), held.runs.run('b'), held.runs.run('c')];
    await turn();
    expect(held.begun).toEqual(['a']);
    expect(new Set(asked).size).toBe(1);
    await held.end();
    await Promise.all(asked);
    expect(held.begun).toEqual(['a']);
    expect(held.runs.underWay).toBeUndefined();
  });

  it('are one more for all who ask while one is under way, and not before that has ended', async () => {
    const held = new Held();
    const first = held.runs.run('a');
    await turn();
    const [second, third] = [held.runs.run('b'), held.runs.run('c')];
    expect(second).not.toBe(first);
    expect(third).toBe(second);
    await turn();
    expect(held.begun).toEqual(['a']);

    await held.end();
    await first;
    expect(held.begun).toEqual(['a', 'b']);
    expect(held.runs.underWay).toBe(second);
    expect(await isSettled(second)).toBe(false);
    await held.end();
    await second;
    expect(held.begun).toEqual(['a', 'b']);
  });

  it('are never more than two, however many ask and whenever', async () => {
    const held = new Held();
    for (let question = 0; question < 5; question++) {
      void held.runs.run(`${question}`);
      await turn();
    }
    expect(held.begun).toEqual(['0']);
    await held.end();
    await held.end();
    expect(held.begun).toEqual(['0', '1']);
    expect(held.runs.underWay).toBeUndefined();
  });

  it('begin anew after the last has ended', async () => {
    const held = new Held();
    for (const reason of ['a', 'b', 'c']) {
      const run = held.runs.run(reason);
      await turn();
      await held.end();
      await run;
    }
    expect(held.begun).toEqual(['a', 'b', 'c']);
  });

  it('that fail, though they must not, do not stop those after them', async () => {
    const failure = new Error('must not be');
    let fails = true;
    const runs = new CoalescedRuns<string>(async () => {
      if (fails) throw failure;
    });
    await expect(runs.run('a')).rejects.toBe(failure);
    expect(runs.underWay).toBeUndefined();
    fails = false;
    await expect(runs.run('b')).resolves.toBeUndefined();
  });
});
