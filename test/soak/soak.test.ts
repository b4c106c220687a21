import { beforeAll, describe, expect, it } from 'vitest';
import { soak } from './soak.js';
import { findingsIn, type SoakReport } from './soak-report.js';

describe('two hundred rotations at random intervals, with faults, under load', () => {
  let report: SoakReport;

  beforeAll(async () => {
    report = await soak({ rotations: 100, seconds: 60, warmUpRotations: 100, seed: 1 });
  }, 180_000);

  it('fail no request that had a valid token to use, lose no rotation, and leave nothing behind', () => {
    expect(findingsIn(report)).toEqual([]);
    // Else there was nothing to see.
    expect(report.rescued).toBeGreaterThan(0);
    expect(Object.keys(report.faults).length).toBeGreaterThan(2);
  });

  const FINDINGS: Record<string, (report: SoakReport) => SoakReport> = {
    'a request that failed although it had a token': (good) => ({
      ...good,
      guilty: [{ id: 'pod 1, fetch 7', what: 'status 401', atMs: 0 }],
    }),
    'no request at all': (good) => ({ ...good, requests: 0 }),
    'a provider without the last token': (good) => ({ ...good, providersWithLastToken: good.providers - 1 }),
    'another descriptor': (good) => grown(good, 'descriptors', 1),
    'another watch': (good) => grown(good, 'watches', 1),
    'another timer': (good) => grown(good, 'timers', 1),
    'another handle': (good) => grown(good, 'active', 1),
    'a larger heap': (good) => grown(good, 'heapBytes', 10_000_000),
  };

  it.each(Object.entries(FINDINGS))('would be told of %s', (_, spoil) => {
    expect(findingsIn(spoil(report))).toHaveLength(1);
  });
});

/** The report, had the first process kept more of something. */
function grown(report: SoakReport, what: keyof SoakReport['resources'][number]['end'], by: number): SoakReport {
  const [{ warm, end, closed }, ...others] = report.resources as [SoakReport['resources'][number]];
  return { ...report, resources: [{ warm, end: { ...end, [what]: warm[what] + by }, closed }, ...others] };
}
