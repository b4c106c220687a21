import type { ChildProcess } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';

const STOP_EVERY_MS = 1000;
const LONGEST_STOP_MS = 300;

/**
 * Stops one of the processes (SIGSTOP) about every second, for a moment.
 *
 * @returns ends this, and resolves with how often it happened, when all processes run
 */
export function stopNowAndThen(processes: readonly ChildProcess[], random: () => number): () => Promise<number> {
  const over = new AbortController();
  const work = async () => {
    for (let stops = 0; ; stops++) {
      // An abort cuts the pause short.
      await pause(2 * STOP_EVERY_MS * random(), undefined, { signal: over.signal }).catch(() => {});
      if (over.signal.aborted) return stops;
      const victim = processes[Math.floor(random() * processes.length)]!;
      victim.kill('SIGSTOP');
      await pause(random() * LONGEST_STOP_MS);
      victim.kill('SIGCONT');
    }
  };
  const working = work();
  return () => {
    over.abort();
    return working;
  };
}
