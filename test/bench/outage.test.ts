import { expect, it } from 'vitest';
import { simulateOutage } from '../../bench/outage/simulate-outage.js';

const OUTAGE = { pods: 1000, leaseSeconds: 300, outageSeconds: 300, seed: 7 };

it('brings pods back one by one that lost their Vault together, and keeps every token that is valid', async () => {
  const fixed = await simulateOutage({ ...OUTAGE, policy: 'fixed 1 s retry' });
  const ours = await simulateOutage({ ...OUTAGE, policy: 'projected-token' });
  expect(fixed).toMatchObject({ affected: OUTAGE.pods, peakLoginsPerSecond: OUTAGE.pods });
  expect(ours.affected).toBe(OUTAGE.pods);
  expect(ours.peakLoginsPerSecond).toBeLessThanOrEqual(fixed.peakLoginsPerSecond / 20);
  // Pauses are at most a quarter of the outage so far, for the sake of the recovery: that is what attempts can be saved.
  expect(ours.peakAttemptsPerSecond).toBeLessThan(fixed.peakAttemptsPerSecond / 5);
  expect(ours.refusedThoughValid).toBe(0);
  // The longest pause is 5 min.
  expect(ours.recoverySeconds).toBeLessThanOrEqual(300);
});
