// Runs the library through simulated time:
//   npm run simulate                                  50 pod-years of pods with troubles, two minutes on two cores
//   npm run simulate -- --pod-years 1000              all of what docs/simulation shows
//   npm run simulate -- --pod 17 --kind "86400 s"     one pod alone, as it was among the others
//   npm run simulate -- --compare --days 30 --seed 1  beside the caches that most clients keep
// With --write the result goes into docs/simulation.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { comparePolicies } from './compare-policies.js';
import { podOf, podsOf, simulatePods } from './pod-fleet.js';
import type { PodOutcome } from './pod-judge.js';
import { simulatePod } from './pod-life.js';
import { isGood, renderPods, worstOf } from './render-pods.js';

const { values } = parseArgs({
  options: {
    'pod-years': { type: 'string', default: '50' },
    processes: { type: 'string', default: String(availableParallelism()) },
    pod: { type: 'string' },
    kind: { type: 'string', default: '86400 s' },
    compare: { type: 'boolean' },
    days: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    write: { type: 'boolean' },
  },
});
const directory = new URL('../../docs/simulation/', import.meta.url);

if (values.compare) await compare(Number(values.days), Number(values.seed));
else if (values.pod !== undefined) report([await simulatePod(podOf(Number(values.pod), values.kind))]);
else await simulateFleet(Number(values['pod-years']), Number(values.processes));

async function simulateFleet(podYears: number, processes: number): Promise<void> {
  const pods = podsOf(podYears);
  const outcomes: PodOutcome[] = [];
  const beganAtMs = performance.now();
  await simulatePods(pods, processes, (outcome) => {
    outcomes.push(outcome);
    if (!isGood(outcome)) process.stderr.write(`${JSON.stringify(outcome)}\n`);
    if (outcomes.length % 25 === 0) process.stderr.write(`${outcomes.length} of ${pods.length} pods …\n`);
  });
  const minutes = ((performance.now() - beganAtMs) / 60_000).toFixed(1);
  const text = report(
    outcomes,
    `${podYears.toLocaleString('en-US')} pod-years in ${minutes} minutes, ${processes} processes on ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown CPU'}, Node ${process.version}.`,
  );
  if (values.write)
    await writeSection('pods', `Made by \`npm run simulate -- --pod-years ${podYears} --write\`: ${text}`);
}

/** Prints how the pods fared, and returns it. */
function report(outcomes: readonly PodOutcome[], title = ''): string {
  const worst = worstOf(outcomes);
  const again = `npm run simulate -- --pod ${worst.seed} --kind "${worst.kind}"`;
  const text = `${title}\n\n${renderPods(outcomes)}\n\nThe worst pod: \`${again}\` runs it again alone. It had a stale token in use for ${worst.longestStaleSeconds} s at the longest.`;
  process.stdout.write(`${text}\n`);
  if (!outcomes.every(isGood)) process.exitCode = 1;
  return text;
}

async function compare(days: number, seed: number): Promise<void> {
  const { table, chart, isGood } = await comparePolicies(days, seed);
  process.stdout.write(`${table}\n`);
  if (!isGood) process.exitCode = 1;
  if (!values.write) return;
  await mkdir(directory, { recursive: true });
  await writeFile(new URL('day-in-a-second.svg', directory), chart);
  const command = `npm run simulate -- --compare --days ${days} --seed ${seed} --write`;
  await writeSection('compare', `Made by \`${command}\`: ${days} days, a request a second.\n\n${table}`);
}

/** Replaces one part of the page; the text around it is written by hand. */
async function writeSection(name: 'pods' | 'compare', text: string): Promise<void> {
  const page = new URL('README.md', directory);
  const [start, end] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`];
  const [before, , after] = (await readFile(page, 'utf8')).split(new RegExp(`${start}|${end}`));
  await writeFile(page, `${before}${start}\n${text}\n${end}${after}`);
}
