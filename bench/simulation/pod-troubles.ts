/** Something that happens to one pod, beside what happens to its kubelet. */
export interface PodTrouble {
  readonly what: 'volume gone' | 'reads hang' | 'process suspended' | 'clock set';
  readonly atMs: number;
  readonly forMs: number;
  /** How far the clock is ahead of the true time meanwhile, in milliseconds. */
  readonly offsetMs: number;
}

const DAY_MS = 86_400_000;

/** How often each happens, and for how long: from the shortest to the longest, short ones more often. */
const KINDS: readonly { what: PodTrouble['what']; everyMs: number; shortestMs: number; longestMs: number }[] = [
  { what: 'volume gone', everyMs: 10 * DAY_MS, shortestMs: 100, longestMs: 600_000 },
  { what: 'reads hang', everyMs: 5 * DAY_MS, shortestMs: 100, longestMs: 600_000 },
  { what: 'process suspended', everyMs: 5 * DAY_MS, shortestMs: 1_000, longestMs: 4 * 3_600_000 },
  { what: 'clock set', everyMs: 10 * DAY_MS, shortestMs: 60_000, longestMs: 12 * 3_600_000 },
];

/** The clock is set by so much at most, forward or back. */
const LONGEST_STEP_MS = 2 * 3_600_000;

/** All that happens to one pod, in order. A function of its random numbers alone. */
export function podTroubles(startMs: number, endMs: number, random: () => number): readonly PodTrouble[] {
  const between = (shortest: number, longest: number) => Math.round(shortest * (longest / shortest) ** random());
  const troubles: PodTrouble[] = [];
  for (const { what, everyMs, shortestMs, longestMs } of KINDS) {
    for (let atMs = startMs; ; ) {
      atMs += Math.ceil(-Math.log(1 - random()) * everyMs);
      const forMs = between(shortestMs, longestMs);
      if (atMs + forMs >= endMs) break;
      const stepMs = between(100, LONGEST_STEP_MS) * (random() < 0.5 ? -1 : 1);
      troubles.push({ what, atMs, forMs, offsetMs: what === 'clock set' ? stepMs : 0 });
      atMs += forMs;
    }
  }
  return troubles.sort((one, other) => one.atMs - other.atMs);
}
