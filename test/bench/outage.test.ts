import { expect, it } from 'vitest';
import { simulateOutage } from '../../bench/outage/simulate-outage.js';

const OUTAGE = { pods: 1000, leaseSeconds: 300, outageSeconds: 300, seed: 7 };

it('brings pods back one by one that lost their Vault together, and keeps every token that is valid', async () => {
  const fixed = await simulateOutage({ ...OUTAGE, policy: 'fixed 1 s retry' });
  const ours = await simulateOutage({ ...OUTAGE, policy: 'projected-token' });
  expect(fixed).toMatchObject({ affected: OUTAGE.pods, peakLoginsPerSecond: OUTAGE.pods });
  expect(ours.affected).toBe(OUTAGE.pods);
  expect(ours.peakLoginsPerSecond).toBeLessThanOrEqual(fixed.peakLoginsPerSecond / 20);
  expect(ours.peakAttemptsPerSecond).toBeLessThan(fixed.peakAttemptsPerSecond / 10);
  expect(ours.refusedThoughValid).toBe(0);
  // The longest pause is 5 min.
  expect(ours.recoverySeconds).toBeLessThanOrEqual(300);
});
