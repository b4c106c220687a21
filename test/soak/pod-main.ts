// A process of clients in several threads. All threads do the same; the main thread speaks for them.
import './pending-timers.js';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { type Address, ClientLoad } from './client-load.js';
import { offer, Remote } from './remote.js';
import { measureThread, type Resources, resourcesOf } from './resources.js';

/** What a thread is started with. */
export interface PodSetting {
  readonly name: string;
  readonly address: Address;
  readonly threads: number;
}

const setting: PodSetting = isMainThread ? JSON.parse(process.argv[2]!) : workerData;
const load = await ClientLoad.open(setting.name, setting.address);

const threadMethods = {
  run: () => load.run(),
  pause: () => load.pause(),
  hold: (fingerprint: string) => load.hold(fingerprint),
  measure: () => measureThread(),
  close: () => load.close(),
};

if (isMainThread) {
  const podMethods = speakFor(startWorkers());
  process.once('disconnect', () => process.exit());
  offer(podMethods);
} else {
  offer(threadMethods);
}

export type PodMethods = ReturnType<typeof speakFor>;

type Threads = readonly Remote<typeof threadMethods>[];

function startWorkers(): Threads {
  return Array.from({ length: setting.threads - 1 }, (_, index) => {
    const name = `${setting.name}.${index + 1}`;
    return new Remote(new Worker(new URL('pod-thread.mjs', import.meta.url), { workerData: { ...setting, name } }));
  });
}

function speakFor(workers: Threads) {
  return {
    run: () => Promise.all([load.run(), ...workers.map((worker) => worker.call('run'))]),
    pause: () => Promise.all([load.pause(), ...workers.map((worker) => worker.call('pause'))]),
    hold: (fingerprint: string) =>
      Promise.all([load.hold(fingerprint), ...workers.map((worker) => worker.call('hold', fingerprint))]),
    measure: async (): Promise<Resources> =>
      resourcesOf(await Promise.all([measureThread(), ...workers.map((worker) => worker.call('measure'))])),
    close: () => Promise.all([load.close(), ...workers.map((worker) => worker.call('close'))]),
  };
}
