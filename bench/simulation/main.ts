import { mkdir, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { TOKEN_KINDS, USUAL_TROUBLES } from './kubelet-policy.js';
import { renderChart } from './render-chart.js';
import { type Outcome, type Policy, simulate } from './simulate.js';

// Thirty days of each kind of token past each way of following the file:
//   npm run simulate -- --days 30 --seed 1
const { values } = parseArgs({
  options: {
    days: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    write: { type: 'boolean' },
  },
});
const days = Number(values.days);
const seed = Number(values.seed);
const policies: readonly Policy[] = ['projected-token', 'projected-token, polling only', '60 s cache', '5 min cache'];

const rows: { kind: string; policy: Policy; outcome: Outcome }[] = [];
for (const kind of TOKEN_KINDS) {
  for (const policy of policies) {
    const outcome = await simulate(policy, { kind, troubles: USUAL_TROUBLES, days, seed });
    rows.push({ kind: kind.name, policy, outcome });
    process.stderr.write(`${kind.name}, ${policy}: ${JSON.stringify(outcome)}\n`);
  }
}

const table = [
  '| lifetime | policy | expired token presented, s | … while the file held a valid one, s | stale token presented, s | no token though the file held one, s | reads a day |',
  '|---|---|---:|---:|---:|---:|---:|',
  ...rows.map(({ kind, policy, outcome: o }) => {
    const cells = [
      o.presentedExpiredSeconds,
      o.expiredSeconds,
      o.staleSeconds,
      o.missingSeconds,
      Math.round(o.reads / days),
    ];
    return `| ${kind} | ${policy} | ${cells.map((cell) => cell.toLocaleString('en-US')).join(' | ')} |`;
  }),
].join('\n');
process.stdout.write(`${table}\n`);

if (values.write) {
  const directory = new URL('../../docs/simulation/', import.meta.url);
  await mkdir(directory, { recursive: true });
  await writeFile(new URL('day-in-a-second.svg', directory), renderChart(rows, days));
  await writeFile(
    new URL('README.md', directory),
    `# ${days} simulated days\n\nThe library itself on an in-memory volume and a clock of its own, beside the caches that most clients keep. The kubelet replaces tokens ` +
      'by its own policy (80 % of the lifetime, 24 h at most, syncs 60 to 90 s apart), and has troubles: attempts that fail, an API server that is away, restarts, ' +
      `pods that are told to end and get no new token any more. A request a second. Made by \`npm run simulate -- --days ${days} --seed ${seed} --write\`.\n\n` +
      `${table}\n\n![Seconds of expired and stale tokens by policy](day-in-a-second.svg)\n`,
  );
}
if (
  rows.some(
    ({ policy, outcome }) =>
      policy.startsWith('projected-token') && (outcome.presentedExpiredSeconds > 0 || outcome.missingSeconds > 0),
  )
) {
  process.exitCode = 1;
}
