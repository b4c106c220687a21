import fc from 'fast-check';
import { type Difference, differencesBetween } from './differences.js';
import { differenceIn, INTENDED_DIFFERENCES } from './intended-differences.js';
import { KNOWN_DIFFERENCES } from './known-differences.js';
import { type Observation, observe } from './observe.js';
import type { Scenario } from './scenario.js';
import type { RecordingServers } from './server/recording-servers.js';
import type { Subject } from './subject.js';

/** A kind of difference, with the smallest scenario that shows it. */
export interface Finding {
  readonly where: string;
  /** In how many scenarios it was seen. */
  count: number;
  /** Makes the scenario again: `--seed` of a run of one scenario. */
  readonly seed: number;
  readonly scenario: Scenario;
  readonly difference: Difference;
}

/** What the scenarios of one client showed. */
export interface ClientReport {
  readonly client: string;
  readonly scenarios: number;
  /** Scenarios in which something differed that is not meant to. */
  readonly different: number;
  readonly findings: readonly Finding[];
  /** How often each intended difference was met. */
  readonly intended: Readonly<Record<string, number>>;
  /** How often each difference was met that is known and not fixed. */
  readonly known: Readonly<Record<string, number>>;
  /** Scenarios whose outcome is a matter of chance for the bare client too. */
  readonly unstable: number;
}

/** How often either client is run before a difference counts: much of what can be seen is a race, such as an abort with an answer. */
const RUNS_TO_BE_SURE = 16;

/** The same of a run that hangs, which takes a second each time. */
const HANGING_RUNS_TO_BE_SURE = 4;

/** The longest search for a smaller scenario. */
const SHRINK_MS = 8000;

/** Runs random scenarios with a client, bare beside wrapped. The n-th scenario is that of the seed `seed + n`. */
export async function runDifferential(
  subject: Subject,
  servers: RecordingServers,
  options: { readonly scenarios: number; readonly seed: number; readonly shrinks: boolean },
): Promise<ClientReport> {
  const findings = new Map<string, Finding>();
  const intended: Record<string, number> = {};
  const known: Record<string, number> = {};
  let different = 0;
  let unstable = 0;
  for (let count = 0; count < options.scenarios; count++) {
    const seed = options.seed + count;
    let scenario: Scenario | undefined;
    await check(subject, seed, async (made) => {
      scenario = made;
      return true;
    });
    const judged = await judge(subject, servers, scenario!);
    if (judged.isUnstable) unstable++;
    for (const what of judged.intended) intended[what] = (intended[what] ?? 0) + 1;
    for (const what of judged.known) known[what] = (known[what] ?? 0) + 1;
    if (judged.differences.length > 0) different++;
    for (const difference of firstOfEach(judged.differences)) {
      const before = findings.get(difference.where);
      if (before !== undefined) before.count++;
      else {
        const found = { scenario: scenario!, difference };
        const least = options.shrinks ? await shrink(subject, servers, seed, found) : found;
        findings.set(difference.where, { where: difference.where, count: 1, seed, ...least });
      }
    }
  }
  const report = { client: subject.name, scenarios: options.scenarios, different, intended, known, unstable };
  return { ...report, findings: [...findings.values()].sort((a, b) => b.count - a.count) };
}

interface Found {
  readonly scenario: Scenario;
  readonly difference: Difference;
}

/** The smallest scenario with the same difference that fast-check comes to. */
async function shrink(subject: Subject, servers: RecordingServers, seed: number, found: Found): Promise<Found> {
  let least = found;
  const deadline = performance.now() + SHRINK_MS;
  await check(subject, seed, async (scenario) => {
    if (performance.now() > deadline) return true;
    const { differences } = await judge(subject, servers, scenario);
    const difference = differences.find(({ where }) => where === found.difference.where);
    if (difference !== undefined) least = { scenario, difference };
    return difference === undefined;
  });
  return least;
}

async function check(subject: Subject, seed: number, holds: (scenario: Scenario) => Promise<boolean>): Promise<void> {
  await fc.check(fc.asyncProperty(subject.scenarios, holds), { seed, numRuns: 1, unbiased: true });
}

function firstOfEach(differences: readonly Difference[]): Difference[] {
  return [...new Map([...differences].reverse().map((difference) => [difference.where, difference])).values()];
}

interface Verdict {
  readonly differences: readonly Difference[];
  readonly intended: readonly string[];
  readonly known: readonly string[];
  readonly isUnstable: boolean;
}

/** What differs, whatever the chance of a run: no run of the bare client is like any run of the wrapped one. */
async function judge(subject: Subject, servers: RecordingServers, scenario: Scenario): Promise<Verdict> {
  const bare: Observation[] = [];
  const wrapped: Observation[] = [];
  let fewest: Difference[] | undefined;
  const intended = new Set<string>();
  const known = new Set<string>();
  const runs = () => (fewest?.some(({ where }) => /\bhangs\b/.test(where)) ? HANGING_RUNS_TO_BE_SURE : RUNS_TO_BE_SURE);
  for (let run = 0; run < runs(); run++) {
    bare.push(await observe(subject, scenario, servers, false));
    wrapped.push(await observe(subject, scenario, servers, true));
    for (const [left, right] of pairsWithLast(bare, wrapped)) {
      const differences = differencesBetween(subject, scenario, left, right).filter((difference) => {
        const meant = differenceIn(INTENDED_DIFFERENCES, subject.name, difference, scenario);
        if (meant !== undefined) intended.add(meant.what);
        const old = meant ?? differenceIn(KNOWN_DIFFERENCES, subject.name, difference, scenario);
        if (meant === undefined && old !== undefined) known.add(old.what);
        return old === undefined;
      });
      if (differences.length === 0)
        return { differences, intended: [...intended], known: [...known], isUnstable: run > 0 };
      if (fewest === undefined || differences.length < fewest.length) fewest = differences;
    }
  }
  return { differences: fewest ?? [], intended: [...intended], known: [...known], isUnstable: false };
}

function pairsWithLast<T>(bare: readonly T[], wrapped: readonly T[]): [T, T][] {
  const [lastBare, lastWrapped] = [bare.at(-1)!, wrapped.at(-1)!];
  return [
    ...wrapped.map((item): [T, T] => [lastBare, item]),
    ...bare.slice(0, -1).map((item): [T, T] => [item, lastWrapped]),
  ];
}
