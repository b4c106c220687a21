import { type ChildProcess, fork } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { TOKEN_KINDS } from './kubelet-policy.js';
import type { PodOutcome } from './pod-judge.js';
import type { Pod } from './pod-life.js';

/**
 * What a pod-year consists of. Most pods have tokens of 24 h, as a year of shorter ones takes up to a hundred times as long to
 * simulate; a pod with those lives for a shorter time, so that each takes a few seconds.
 */
const MIX: readonly { readonly kinds: readonly string[]; readonly share: number; readonly days: number }[] = [
  { kinds: ['86400 s'], share: 0.985, days: 365 },
  { kinds: ['3600 s', '7200 s', 'one year (extended)'], share: 0.014, days: 36.5 },
  { kinds: ['600 s'], share: 0.001, days: 3.65 },
];

/**
 * The safety poll is made to count for little: once an hour where the default is 10 s. So what is found is found by events, by timers
 * and by requests; and a year takes seconds.
 */
const POLL_INTERVAL_MS = 3_600_000;

const repository = new URL('../../', import.meta.url);

/** Returns the pods that make up so many pod-years, short lives spread among long ones; seeds count from 1. */
export function podsOf(podYears: number): readonly Pod[] {
  return MIX.flatMap(({ kinds, share, days }) => {
    const count = Math.max(kinds.length, Math.round((podYears * share * 365) / days));
    return Array.from({ length: count }, (_, index) => ({
      kind: kinds[index % kinds.length]!,
      rank: (index + 0.5) / count,
    }));
  })
    .sort((one, other) => one.rank - other.rank)
    .map(({ kind }, index) => podOf(index + 1, kind));
}

/** Returns the pod of a seed and a kind of token, as {@link podsOf} has it. */
export function podOf(seed: number, kind: string): Pod {
  const { days } = MIX.find(({ kinds }) => kinds.includes(kind))!;
  return { seed, kind: TOKEN_KINDS.find(({ name }) => name === kind)!, days, pollIntervalMs: POLL_INTERVAL_MS };
}

/** Simulates pods in several processes; tells each outcome as it comes. */
export async function simulatePods(
  pods: readonly Pod[],
  processes: number,
  onOutcome: (outcome: PodOutcome) => void,
): Promise<void> {
  // Bundled: what tsx adds to each function, for its name, costs a quarter of the time.
  await mkdir(new URL('.cache/', repository), { recursive: true });
  const directory = await mkdtemp(fileURLToPath(new URL('.cache/simulation-', repository)));
  const program = `${directory}/run-pods.mjs`;
  await build({
    entryPoints: [fileURLToPath(new URL('run-pods.ts', import.meta.url))],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    alias: { 'projected-token': fileURLToPath(new URL('src/index.ts', repository)) },
    logLevel: 'error',
  });
  const waiting = [...pods];
  try {
    await Promise.all(Array.from({ length: processes }, () => work(program, waiting, onOutcome)));
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** One process: gets a pod after the other until none waits. */
function work(program: string, waiting: Pod[], onOutcome: (outcome: PodOutcome) => void): Promise<void> {
  // Nearly all garbage is young: with room for it, collecting takes no time.
  const child: ChildProcess = fork(program, { execArgv: ['--max-semi-space-size=64'] });
  return new Promise((resolve, reject) => {
    const next = () => {
      const pod = waiting.shift();
      if (pod === undefined) child.disconnect();
      else child.send(pod);
    };
    child.on('message', (outcome) => {
      onOutcome(outcome as PodOutcome);
      next();
    });
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`A simulation ended with exit code ${code}.`)),
    );
    next();
  });
}
