import { expect, it } from 'vitest';
import { runSeparately } from './run-separately.js';
import { SUBJECTS } from './subjects/index.js';

/** A first look; `npm run differential` runs ten thousand. */
const SCENARIOS = 25;

it('a wrapped client differs from the bare one in nothing but the token', { timeout: 120_000 }, async () => {
  const report = await runSeparately('--only', 'clients', '--scenarios', String(SCENARIOS), '--no-shrink');
  expect(verdictsIn(report)).toEqual(SUBJECTS.map(({ name }) => `${name}: 0 of ${SCENARIOS} scenarios differ`));
});

function verdictsIn(report: string): string[] {
  return [...report.matchAll(/^.*: \d+ of \d+ scenarios differ/gm)].map(([verdict]) => verdict);
}
