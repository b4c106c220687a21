import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { seededRandom } from '../../bench/simulation/random.js';
import type { PodMethods, PodSetting } from './pod-main.js';
import { Remote } from './remote.js';
import type { SoakReport } from './soak-report.js';
import { stopNowAndThen } from './stop-now-and-then.js';
import type { WorldMethods } from './world-main.js';

/** Processes of clients, and threads in each. */
const PODS = 2;
const THREADS = 2;

/** How long to soak: until whichever of the two comes first. */
export interface SoakOptions {
  readonly rotations: number;
  readonly seconds: number;
  /** Rotations before the first measurement. */
  readonly warmUpRotations: number;
  /** For the same intervals and faults again. */
  readonly seed: number;
}

/** Plays a kubelet, a service and the programs that use it, each in processes of their own. */
export async function soak({ rotations, seconds, warmUpRotations, seed }: SoakOptions): Promise<SoakReport> {
  const startMs = Date.now();
  using started = new Started();
  const world = new Remote<WorldMethods>(started.fork('world-main.ts', String(seed)));
  const address = await world.call('address');
  const processes = Array.from({ length: PODS }, (_, index) => {
    const setting: PodSetting = { name: `pod ${index + 1}`, address, threads: THREADS };
    return started.fork('pod-main.ts', JSON.stringify(setting));
  });
  const pods = processes.map((child) => new Remote<PodMethods>(child));
  const each = <T>(ask: (pod: Remote<PodMethods>) => Promise<T>) => Promise.all(pods.map(ask));
  const random = seededRandom(seed);

  /** A time of rotations and requests, and what is there when it is over. */
  const season = async (rotations: number) => {
    await each((pod) => pod.call('run'));
    const endStops = stopNowAndThen(processes, random);
    const last = await world.call('rotate', rotations, seconds);
    const stops = await endStops();
    const traffic = (await each((pod) => pod.call('pause'))).flat();
    await world.call(
      'judge',
      traffic.flatMap(({ failures }) => failures),
    );
    await world.call('closeIdleConnections');
    return {
      stops,
      requests: sum(traffic.map(({ requests }) => requests)),
      holding: sum((await each((pod) => pod.call('hold', last))).flat()),
      resources: await each((pod) => pod.call('measure')),
    };
  };

  const warm = await season(warmUpRotations);
  const end = await season(rotations);
  await each((pod) => pod.call('close'));
  const closed = await each((pod) => pod.call('measure'));
  const course = (index: number) => ({
    warm: warm.resources[index]!,
    end: end.resources[index]!,
    closed: closed[index]!,
  });
  return {
    ...(await world.call('tally')),
    seconds: Math.round((Date.now() - startMs) / 1000),
    stops: warm.stops + end.stops,
    requests: end.requests,
    providers: PODS * THREADS * 2,
    providersWithLastToken: end.holding,
    resources: pods.map((_, index) => course(index)),
  };
}

/** Child processes, which end with this. */
class Started implements Disposable {
  readonly #children: ChildProcess[] = [];

  fork(program: string, argument: string): ChildProcess {
    const main = fileURLToPath(new URL(program, import.meta.url));
    const child = fork(main, [argument], { execArgv: ['--import', 'tsx'] });
    this.#children.push(child);
    return child;
  }

  [Symbol.dispose](): void {
    for (const child of this.#children) if (child.connected) child.disconnect();
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
