// Runs random scenarios with every client, bare beside wrapped, and shows what differs:
//   npm run differential
//   npm run differential -- --client got --scenarios 10000 --seed 7
//   … --client got --scenarios 1 --seed 1234 for one scenario again
//   … --only stacked for the stacked libraries, --only clients for the others
//   … --over http, https or http2 for scenarios with that alone
//   … --json for the report as it is, --no-shrink for speed
//   … --processes 3 to share the scenarios out: a run waits for its servers most of the time, so three need about one core
import './subjects/platform-dispatcher.js';
import { parseArgs } from 'node:util';
import { mergeReports } from './merge-reports.js';
import { over } from './over.js';
import { renderReport } from './render-report.js';
import { type ClientReport, runDifferential } from './run-differential.js';
import { runSeparately } from './run-separately.js';
import { RecordingServers } from './server/recording-servers.js';
import type { Subject } from './subject.js';
import { SUBJECTS } from './subjects/index.js';
import { STACKED_SUBJECTS } from './subjects/stacked/index.js';

const { values } = parseArgs({
  options: {
    client: { type: 'string', multiple: true },
    only: { type: 'string' },
    scenarios: { type: 'string', default: '10000' },
    over: { type: 'string' },
    seed: { type: 'string', default: '1' },
    processes: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    'no-shrink': { type: 'boolean', default: false },
  },
});
// Node's undici may fail an assertion when a connection closes after its run: that is of no run, and must not end those that follow.
process.on('uncaughtException', (error: NodeJS.ErrnoException) => {
  const isInRun = process.listenerCount('uncaughtException') > 1;
  if (!isInRun && !(error.code === 'ERR_ASSERTION' && error.stack?.includes('undici'))) throw error;
});

const known = [...(values.only === 'stacked' ? [] : SUBJECTS), ...(values.only === 'clients' ? [] : STACKED_SUBJECTS)];
const subjects = known
  .filter(({ name }) => values.client?.includes(name) ?? true)
  .map((subject) => (values.over === undefined ? subject : over(values.over, subject)));
if (subjects.length === 0) throw new Error(`No such client; there are: ${known.map(({ name }) => name).join(', ')}.`);
const scenarios = Number(values.scenarios);
const seed = Number(values.seed);
const processes = Math.min(Number(values.processes), scenarios);
const reports: ClientReport[] = [];
if (processes > 1) {
  // One client after the other, so that its report is there as soon as it can be.
  for (const subject of subjects) report(await runInProcesses(subject));
} else {
  await using servers = await RecordingServers.start();
  for (const subject of subjects) {
    report(await runDifferential(subject, servers, { scenarios, seed, shrinks: !values['no-shrink'] }));
  }
}
if (values.json) process.stdout.write(`${JSON.stringify(reports, undefined, 2)}\n`);
if (reports.some(({ findings }) => findings.length > 0)) process.exitCode = 1;

function report(done: ClientReport): void {
  reports.push(done);
  if (!values.json) process.stdout.write(`${renderReport(done, seed)}\n`);
}

/** Each process has the scenarios that follow on those of the one before. */
async function runInProcesses({ name }: Subject): Promise<ClientReport> {
  const starts = Array.from({ length: processes + 1 }, (_, index) => Math.floor((scenarios * index) / processes));
  const parts = starts.slice(0, -1).map(async (start, index): Promise<ClientReport> => {
    const given = ['--client', name, '--seed', String(seed + start), '--scenarios', String(starts[index + 1]! - start)];
    const text = await runSeparately(
      ...given,
      '--json',
      ...(values['no-shrink'] ? ['--no-shrink'] : []),
      ...(values.over === undefined ? [] : ['--over', values.over]),
    );
    return (JSON.parse(text) as [ClientReport])[0];
  });
  return mergeReports(await Promise.all(parts));
}
