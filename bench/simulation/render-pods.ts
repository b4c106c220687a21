import type { PodFindings, PodOutcome } from './pod-judge.js';

/** How many pods were simulated, and how they fared together. */
interface Sum extends PodFindings {
  pods: number;
  days: number;
  rotations: number;
  troubles: number;
  reads: number;
}

const COLUMNS: readonly [title: string, cell: (sum: Sum) => number][] = [
  ['pod-years', ({ days }) => days / 365],
  ['rotations', ({ rotations }) => rotations],
  ['troubles', ({ troubles }) => troubles],
  ['calls', ({ calls }) => calls],
  ['expired token given, s', ({ expiredSeconds }) => expiredSeconds],
  ['calls failed though the file held a valid token', ({ failures }) => failures],
  ['`status` untrue', ({ untrue }) => untrue],
  ['stale token in use, s', ({ staleSeconds }) => staleSeconds],
  ['… at the longest, s', ({ longestStaleSeconds }) => longestStaleSeconds],
  ['longest call, s', ({ longestCallSeconds }) => longestCallSeconds],
  ['expired by the true time, by a clock set back, s', ({ expiredUnawaresSeconds }) => expiredUnawaresSeconds],
  ['reads', ({ reads }) => reads],
];

/** A table in Markdown: a row for each lifetime, and one for all. */
export function renderPods(outcomes: readonly PodOutcome[]): string {
  const kinds = [...new Set(outcomes.map(({ kind }) => kind))];
  const rows = [
    ...kinds.map((kind) => [kind, sumOf(outcomes.filter((outcome) => outcome.kind === kind))] as const),
    ['all', sumOf(outcomes)] as const,
  ];
  return [
    `| lifetime | pods | ${COLUMNS.map(([title]) => title).join(' | ')} |`,
    `|---|---:|${COLUMNS.map(() => '---:').join('|')}|`,
    ...rows.map(([name, sum]) => {
      const cells = [sum.pods, ...COLUMNS.map(([, cell]) => cell(sum))];
      return `| ${name} | ${cells.map(format).join(' | ')} |`;
    }),
  ].join('\n');
}

/** Returns whether nothing happened that must not. */
export function isGood({ expiredSeconds, failures, untrue }: PodFindings): boolean {
  return expiredSeconds + failures + untrue === 0;
}

/** Returns the pod that fared worst: by what must not happen, then by the longest time with a stale token. */
export function worstOf(outcomes: readonly PodOutcome[]): PodOutcome {
  const badness = ({ expiredSeconds, failures, untrue, longestStaleSeconds }: PodOutcome) => [
    expiredSeconds,
    failures,
    untrue,
    longestStaleSeconds,
  ];
  return outcomes.reduce((worst, outcome) => {
    const [one, other] = [badness(outcome), badness(worst)];
    const first = one.findIndex((value, index) => value !== other[index]);
    return first >= 0 && one[first]! > other[first]! ? outcome : worst;
  });
}

function sumOf(outcomes: readonly PodOutcome[]): Sum {
  const total = (value: (outcome: PodOutcome) => number) => outcomes.reduce((sum, outcome) => sum + value(outcome), 0);
  const most = (value: (outcome: PodOutcome) => number) => Math.max(...outcomes.map(value));
  return {
    pods: outcomes.length,
    days: total(({ days }) => days),
    rotations: total(({ rotations }) => rotations),
    troubles: total(({ troubles }) => troubles),
    reads: total(({ reads }) => reads),
    calls: total(({ calls }) => calls),
    expiredSeconds: total(({ expiredSeconds }) => expiredSeconds),
    expiredUnawaresSeconds: total(({ expiredUnawaresSeconds }) => expiredUnawaresSeconds),
    failures: total(({ failures }) => failures),
    untrue: total(({ untrue }) => untrue),
    staleSeconds: total(({ staleSeconds }) => staleSeconds),
    longestStaleSeconds: most(({ longestStaleSeconds }) => longestStaleSeconds),
    longestCallSeconds: most(({ longestCallSeconds }) => longestCallSeconds),
  };
}

function format(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 100 ? 1 : 0 });
}
