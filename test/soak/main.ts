// Soaks the library for some minutes, or through so many rotations:
//   npm run soak -- --minutes 1
//   npm run soak -- --rotations 100000
//   … --json for the figures as they are, --seed 2 for other intervals and faults
import { parseArgs } from 'node:util';
import { soak } from './soak.js';
import { findingsIn, renderReport } from './soak-report.js';

const WARM_UP_ROTATIONS = 1000;
/** Infinity is no message between processes. */
const UNLIMITED = Number.MAX_SAFE_INTEGER;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    rotations: { type: 'string' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const minutes = Number(values.minutes ?? (values.rotations === undefined ? 1 : UNLIMITED));
const report = await soak({
  rotations: Number(values.rotations ?? UNLIMITED),
  seconds: minutes * 60,
  warmUpRotations: WARM_UP_ROTATIONS,
  seed: Number(values.seed),
});
const findings = findingsIn(report);
process.stdout.write(
  values.json ? `${JSON.stringify({ ...report, findings }, undefined, 2)}\n` : `${renderReport(report)}\n`,
);
for (const finding of findings) process.stderr.write(`${finding}\n`);
if (findings.length > 0) process.exitCode = 1;
