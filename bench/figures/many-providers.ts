import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { ProjectedTokenProvider } from 'projected-token';
import { mintToken, TokenVolume } from 'projected-token/testing';
import type { FigureGroup } from '../figure.js';

const PROVIDERS = 1000;

/** What many providers of one directory cost, as where every library of a program opens its own. Needs --expose-gc. */
export async function measure(): Promise<FigureGroup> {
  using volume = TokenVolume.temporary(tmpdir());
  volume.write(await mintToken({ audience: 'vault' }));
  const warmUp = await ProjectedTokenProvider.open({ path: volume.path });
  const watchesOfOne = inotifyWatches();
  const before = heapBytes();
  const providers = await Promise.all(
    Array.from({ length: PROVIDERS }, () => ProjectedTokenProvider.open({ path: volume.path })),
  );
  const watches = inotifyWatches();
  const kibibytes = (heapBytes() - before) / PROVIDERS / 1024;
  const fresh = await mintToken({ audience: 'vault' });
  const all = Promise.all(
    providers.map((provider) => new Promise<void>((resolve) => provider.once('rotated', () => resolve()))),
  );
  const beganAtMs = performance.now();
  volume.write(fresh);
  await all;
  const rotationMs = performance.now() - beganAtMs;
  await Promise.all([...providers, warmUp].map((provider) => provider.close()));
  return {
    title: `${PROVIDERS.toLocaleString('en')} providers of one directory`,
    method: 'One process; heap after a garbage collection; watches as the kernel counts them.',
    figures: [
      { name: 'heap for each', value: kibibytes, unit: 'KiB', aim: { text: '≤ 10 KiB', isMet: kibibytes <= 10 } },
      {
        name: 'inotify watches of the directory',
        value: watches,
        unit: '',
        ratio: watches / watchesOfOne,
        aim: { text: 'as many as of one provider', isMet: watches === watchesOfOne },
      },
      { name: 'a rotation, until all of them have it', value: rotationMs, unit: 'ms' },
    ],
  };
}

function heapBytes(): number {
  global.gc?.();
  global.gc?.();
  return process.memoryUsage().heapUsed;
}

/** Watches of this process (proc(5), /proc/pid/fdinfo). */
function inotifyWatches(): number {
  let watches = 0;
  for (const descriptor of readdirSync('/proc/self/fdinfo')) {
    try {
      watches += readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8').match(/^inotify /gm)?.length ?? 0;
    } catch {
      // The descriptor of the listing itself is closed by now.
    }
  }
  return watches;
}
