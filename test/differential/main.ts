// Runs random scenarios with every client, bare beside wrapped, and shows what differs:
//   npm run differential
//   npm run differential -- --client got --scenarios 10000 --seed 7
//   … --client got --scenarios 1 --seed 1234 for one scenario again
//   … --only stacked for the stacked libraries, --only clients for the others
//   … --json for the report as it is, --no-shrink for speed
import './subjects/platform-dispatcher.js';
import { parseArgs } from 'node:util';
import { renderReport } from './render-report.js';
import { type ClientReport, runDifferential } from './run-differential.js';
import { RecordingServers } from './server/recording-servers.js';
import { SUBJECTS } from './subjects/index.js';
import { STACKED_SUBJECTS } from './subjects/stacked/index.js';

const { values } = parseArgs({
  options: {
    client: { type: 'string', multiple: true },
    only: { type: 'string' },
    scenarios: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    'no-shrink': { type: 'boolean', default: false },
  },
});
const known = [...(values.only === 'stacked' ? [] : SUBJECTS), ...(values.only === 'clients' ? [] : STACKED_SUBJECTS)];
const subjects = known.filter(({ name }) => values.client?.includes(name) ?? true);
if (subjects.length === 0) throw new Error(`No such client; there are: ${known.map(({ name }) => name).join(', ')}.`);
const reports: ClientReport[] = [];
{
  await using servers = await RecordingServers.start();
  for (const subject of subjects) {
    const report = await runDifferential(subject, servers, {
      scenarios: Number(values.scenarios),
      seed: Number(values.seed),
      shrinks: !values['no-shrink'],
    });
    reports.push(report);
    if (!values.json) process.stdout.write(`${renderReport(report, Number(values.seed))}\n`);
  }
}
if (values.json) process.stdout.write(`${JSON.stringify(reports, undefined, 2)}\n`);
if (reports.some(({ findings }) => findings.length > 0)) process.exitCode = 1;
