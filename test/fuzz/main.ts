import { parseArgs } from 'node:util';
import { fuzzTokens } from './fuzz-tokens.js';

// A million inputs: npm run fuzz. Another million: npm run fuzz -- --seed 2
const { values } = parseArgs({
  options: { inputs: { type: 'string', default: '1000000' }, seed: { type: 'string', default: '1' } },
});
const report = await fuzzTokens(Number(values.inputs), Number(values.seed));
process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
if (report.findings.length > 0) process.exitCode = 1;
