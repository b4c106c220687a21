import { expect, it } from 'vitest';
import { runSeparately } from './run-separately.js';

/** A first look; `npm run differential` runs ten thousand. */
const SCENARIOS = 6;

it('libraries stacked on a wrapped client see no difference to the bare one', { timeout: 120_000 }, async () => {
  const report = await runSeparately('--only', 'stacked', '--scenarios', String(SCENARIOS), '--no-shrink');
  const verdicts = [...report.matchAll(/^(.*): (\d+) of \d+ scenarios differ/gm)];
  expect(verdicts.filter(([, , different]) => different !== '0')).toEqual([]);
  expect(verdicts.map(([, library]) => library)).toEqual(
    expect.arrayContaining([
      'axios-retry attached after wrapping',
      'octokit',
      'ProxyAgent',
      'msw under fetch',
      'nock under axios',
    ]),
  );
});
