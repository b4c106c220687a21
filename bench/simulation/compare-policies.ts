import { TOKEN_KINDS, USUAL_TROUBLES } from './kubelet-policy.js';
import { renderChart } from './render-chart.js';
import { type Outcome, type Policy, simulate } from './simulate.js';

const POLICIES: readonly Policy[] = ['projected-token', 'projected-token, polling only', '60 s cache', '5 min cache'];

/** What a comparison gives. */
export interface Comparison {
  /** A table in Markdown. */
  readonly table: string;
  /** The same as an SVG. */
  readonly chart: string;
  /** Whether the library never presented an expired token, nor lacked one that the file held. */
  readonly isGood: boolean;
}

/** Runs each kind of token past each way of following the file, a request a second. */
export async function comparePolicies(days: number, seed: number): Promise<Comparison> {
  const rows: { kind: string; policy: Policy; outcome: Outcome }[] = [];
  for (const kind of TOKEN_KINDS) {
    for (const policy of POLICIES) {
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
  const ours = rows.filter(({ policy }) => policy.startsWith('projected-token'));
  const isGood = ours.every(({ outcome }) => outcome.presentedExpiredSeconds === 0 && outcome.missingSeconds === 0);
  return { table, chart: renderChart(rows, days), isGood };
}
