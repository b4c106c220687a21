import { readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { inotifyWatches } from '../helpers/inotify-watches.js';
import { pendingTimers } from './pending-timers.js';
import { waitUntil } from './wait-until.js';

/** What a thread holds. */
export interface ThreadResources {
  readonly timers: number;
  /** Handles and requests that keep the process alive. */
  readonly active: number;
  /** After a collection of garbage. */
  readonly heapBytes: number;
  /** Of Node, so far: of a file that was left open, of too many listeners. */
  readonly warnings: number;
}

/** What a process holds, all its threads together. */
export interface Resources extends ThreadResources {
  readonly descriptors: number;
  readonly watches: number;
}

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

let warnings = 0;
process.on('warning', () => warnings++);

/** For how long chokidar's throttle may keep a timer. */
const THROTTLE_MS = 1000;

/** Measures once sockets and short timers are gone: what a busy moment leaves behind for a while is no leak. */
export async function measureThread(): Promise<ThreadResources> {
  await waitUntil(() => !process.getActiveResourcesInfo().some((name) => /^(TCP|FS)/.test(name)), 10_000);
  await pause(THROTTLE_MS);
  collectGarbage();
  return {
    timers: pendingTimers(),
    active: process.getActiveResourcesInfo().length,
    heapBytes: process.memoryUsage().heapUsed,
    warnings,
  };
}

export function resourcesOf(threads: readonly ThreadResources[]): Resources {
  const sum = (name: keyof ThreadResources) => threads.reduce((total, thread) => total + thread[name], 0);
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    watches: inotifyWatches(),
    timers: sum('timers'),
    active: sum('active'),
    heapBytes: sum('heapBytes'),
    warnings: sum('warnings'),
  };
}
