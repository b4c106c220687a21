import type { Figure, FigureGroup } from '../figure.js';
import { simulateOutage } from '../outage/simulate-outage.js';

const PODS = 10_000;
const OUTAGE_SECONDS = 300;
const LEASES = [
  { leaseSeconds: 3600, name: 'leases of 1 h' },
  { leaseSeconds: 300, name: 'leases of 5 min, so that every pod is affected' },
];

/** Ten thousand pods whose Vault goes away for five minutes and comes back. */
export async function measure(): Promise<FigureGroup> {
  const figures: Figure[] = [];
  for (const { leaseSeconds, name } of LEASES) {
    const common = { pods: PODS, leaseSeconds, outageSeconds: OUTAGE_SECONDS, seed: 1 };
    const fixed = await simulateOutage({ ...common, policy: 'fixed 1 s retry' });
    const ours = await simulateOutage({ ...common, policy: 'projected-token' });
    const ratio = ours.peakLoginsPerSecond / fixed.peakLoginsPerSecond;
    figures.push(
      { name: `${name}: pods affected`, value: ours.affected, unit: '' },
      { name: 'fixed 1 s retry: logins a second at the peak', value: fixed.peakLoginsPerSecond, unit: '/s', ratio: 1 },
      {
        name: `projected-token: logins a second at the peak, ${name}`,
        value: ours.peakLoginsPerSecond,
        unit: '/s',
        ratio,
        aim: { text: '≤ 1/20 of the fixed retry', isMet: ratio <= 1 / 20 },
      },
      { name: 'fixed 1 s retry: until all have logged in', value: fixed.recoverySeconds, unit: 's' },
      {
        name: `projected-token: until all have logged in, ${name}`,
        value: ours.recoverySeconds,
        unit: 's',
        aim: {
          text: `well again within a quarter of the outage, ${OUTAGE_SECONDS / 4} s, where callers are asking`,
          isMet: ours.recoverySeconds <= OUTAGE_SECONDS / 4,
        },
      },
      {
        name: `projected-token: a valid token not given, ${name}`,
        value: ours.refusedThoughValid,
        unit: 'times',
        aim: { text: '0', isMet: ours.refusedThoughValid === 0 },
      },
    );
  }
  return {
    title: `A Vault that is away for ${OUTAGE_SECONDS / 60} minutes`,
    method: `A simulation of ${PODS.toLocaleString('en')} pods, each with the library's own keeper of an exchanged token, on a clock of its own; the pods started at any time within one lease before, and each is asked for its token every 10 s. A pod that fails late in an outage cannot know how long it has lasted and asks again soon: with leases of 1 h, that is why the peak of the few pods affected is a larger share.`,
    figures,
  };
}
