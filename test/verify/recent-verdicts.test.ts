import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecentVerdicts } from '../../src/verify/recent-verdicts.js';
import type { Verdict } from '../../src/verify/verdict.js';

describe('RecentVerdicts', () => {
  it('finds what was remembered while it holds, and keeps those that were asked for last', () => {
    const digest = fc.integer({ min: 0, max: 9 }).map(String);
    const step = fc.oneof(
      fc.record({ does: fc.constant('remember' as const), digest }),
      fc.record({ does: fc.constant('find' as const), digest }),
      fc.record({ does: fc.constant('end' as const), digest }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.array(step, { maxLength: 60 }), (limit, steps) => {
        const memory = new RecentVerdicts<Verdict>(limit);
        // The model: digests in the order of their last use, each with its verdict.
        let model: { digest: string; verdict: Verdict; state: { holds: boolean } }[] = [];
        for (const { does, digest } of steps) {
          const known = model.find((entry) => entry.digest === digest);
          if (does === 'end') {
            if (known !== undefined) known.state.holds = false;
          } else if (does === 'remember') {
            const state = { holds: true };
            const verdict = { holds: () => state.holds };
            memory.remember(digest, verdict);
            model = [...model.filter((entry) => entry !== known), { digest, verdict, state }].slice(-limit);
          } else {
            expect(memory.find(digest)).toBe(known?.state.holds ? known.verdict : undefined);
            model = [...model.filter((entry) => entry !== known), ...(known?.state.holds ? [known] : [])];
          }
        }
      }),
    );
  });
});
