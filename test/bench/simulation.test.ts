import { describe, expect, it } from 'vitest';
import { kubeletWrites, TOKEN_KINDS, USUAL_TROUBLES } from '../../bench/simulation/kubelet-policy.js';
import { seededRandom } from '../../bench/simulation/random.js';
import { simulate } from '../../bench/simulation/simulate.js';

describe('a simulated day', () => {
  const kindOf = (name: string) => TOKEN_KINDS.find((kind) => kind.name === name)!;
  const options = (name: string) => ({ kind: kindOf(name), troubles: USUAL_TROUBLES, days: 1, seed: 7 });

  it.each(TOKEN_KINDS.map(({ name }) => name))(
    'never presents an expired or a replaced token of %s, and never lacks one',
    async (name) => {
      const outcome = await simulate('projected-token', options(name));
      expect(outcome).toMatchObject({
        expiredSeconds: 0,
        presentedExpiredSeconds: 0,
        missingSeconds: 0,
        staleSeconds: 0,
      });
      expect(outcome.reads).toBeGreaterThan(8000);
    },
  );

  it('never presents an expired token by polling alone, and a replaced one for a second at most', async () => {
    const outcome = await simulate('projected-token, polling only', options('600 s'));
    const rotations = [...kubeletWrites(kindOf('600 s'), USUAL_TROUBLES, 0, 86_400_000, seededRandom(7))].length - 1;
    expect(outcome).toMatchObject({ expiredSeconds: 0, presentedExpiredSeconds: 0, missingSeconds: 0 });
    // A kubelet that restarts replaces the token early: that one takes a poll of 10 s to find.
    expect(outcome.staleSeconds).toBeLessThanOrEqual(rotations + 10 * 5);
  });

  it('measures what it says: a cache of five minutes presents expired tokens to the same cluster', async () => {
    const outcome = await simulate('5 min cache', options('600 s'));
    expect(outcome.expiredSeconds).toBeGreaterThan(1000);
    expect(outcome.staleSeconds).toBeGreaterThan(1000);
  });
});

describe('the simulated kubelet', () => {
  it.each([
    ['600 s', 471, 571],
    ['3600 s', 2871, 2971],
    ['7200 s', 5751, 5851],
    ['86400 s', 69_111, 69_211],
    ['one year (extended)', 2877, 2977],
  ])('replaces a token of %s between %d and %d seconds of its age', (name, from, to) => {
    const kind = TOKEN_KINDS.find((candidate) => candidate.name === name)!;
    const untroubled = {
      refreshFailureChance: 0,
      outage: { everySeconds: 1e12, seconds: 1 },
      restartEverySeconds: 1e12,
      busyKubelet: { everySeconds: 1e12, seconds: 1 },
      termination: { everySeconds: 1e12, seconds: 1 },
    };
    const writes = [...kubeletWrites(kind, untroubled, 0, 20 * 86_400_000, seededRandom(3))];
    expect(writes.length).toBeGreaterThan(10);
    const ages = writes.slice(1).map(({ atMs }, index) => (atMs - writes[index]!.atMs) / 1000);
    expect(Math.min(...ages)).toBeGreaterThan(from - 1);
    expect(Math.max(...ages)).toBeLessThan(to + 1);
  });
});
