import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { ProjectedTokenProvider } from 'projected-token';
import { type FigureGroup, percentile } from '../figure.js';
import { Kubelet, type Rotation } from '../kubelet.js';

const ROTATIONS = 1000;
const ROTATIONS_A_ROUND = 50;
const LOST_AFTER_MS = 2000;

/** Follows a volume, and tells each token as it comes into hand. */
type Follow = (kubelet: Kubelet, onToken: (token: string) => void) => Promise<() => Promise<void>>;

const followWithProvider: Follow = async (kubelet, onToken) => {
  // Events alone: the poll must not help.
  const provider = await ProjectedTokenProvider.open({ path: kubelet.path, pollIntervalMs: 600_000 });
  provider.on('rotated', ({ current }) => onToken(current.value));
  return () => provider.close();
};

const followWithFsWatch: Follow = async (kubelet, onToken) => {
  const watcher = watch(kubelet.directory, async () => {
    // Between two links there is a moment without a file.
    const text = await readFile(kubelet.path, 'utf8').catch(() => undefined);
    if (text !== undefined) onToken(text);
  });
  return async () => watcher.close();
};

/** From the rename in another process to the new token in hand in this one. */
export async function measure(): Promise<FigureGroup> {
  const kubelet = await Kubelet.start();
  const floor: number[] = [];
  const ours: number[] = [];
  let lost = 0;
  for (let done = 0; done < ROTATIONS; done += ROTATIONS_A_ROUND) {
    await follow(kubelet, followWithFsWatch, floor);
    lost += await follow(kubelet, followWithProvider, ours);
  }
  kubelet.stop();
  const p99Ratio = percentile(ours, 0.99) / percentile(floor, 0.99);
  const line = (name: string, times: readonly number[], share: number, against: readonly number[]) => ({
    name,
    value: percentile(times, share),
    unit: 'ms',
    ratio: percentile(times, share) / percentile(against, share),
  });
  return {
    title: 'From the swap to the new token in hand',
    method: `${ROTATIONS} rotations by another process, each followed to its end, in rounds of ${ROTATIONS_A_ROUND} in turns; the safety poll of the provider plays no part.`,
    figures: [
      line('bare fs.watch on the directory, which reads the file: p50', floor, 0.5, floor),
      line('bare fs.watch: p99', floor, 0.99, floor),
      line('projected-token: p50', ours, 0.5, floor),
      { ...line('projected-token: p99', ours, 0.99, floor), aim: { text: '≤ 3 × fs.watch', isMet: p99Ratio <= 3 } },
      {
        name: `projected-token: rotations of ${ROTATIONS} that did not arrive`,
        value: lost,
        unit: '',
        aim: { text: '0', isMet: lost === 0 },
      },
    ],
  };
}

/** One round; returns how many rotations did not arrive. */
async function follow(kubelet: Kubelet, way: Follow, times: number[]): Promise<number> {
  const arrivedAtMs = new Map<string, number>();
  let onArrival = () => {};
  const stop = await way(kubelet, (token) => {
    if (!arrivedAtMs.has(token)) arrivedAtMs.set(token, Number(process.hrtime.bigint()) / 1e6);
    onArrival();
  });
  let lost = 0;
  for (let rotation = 0; rotation < ROTATIONS_A_ROUND; rotation++) {
    const { token, swappedAtMs }: Rotation = await kubelet.rotate();
    const arrived = new Promise<void>((resolve) => {
      onArrival = () => {
        if (arrivedAtMs.has(token)) resolve();
      };
      onArrival();
    });
    await Promise.race([arrived, pause(LOST_AFTER_MS, undefined, { ref: false })]);
    const atMs = arrivedAtMs.get(token);
    if (atMs === undefined) lost++;
    else times.push(atMs - swappedAtMs);
    // The old directory is removed after the swap: the next rotation should not meet its events.
    await pause(Math.random() * 10);
  }
  await stop();
  return lost;
}
