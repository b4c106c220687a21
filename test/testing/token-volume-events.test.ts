import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { TokenVolume, type TokenVolumeOptions } from 'projected-token/testing';
import { afterEach, describe, expect, it } from 'vitest';

// What a real kubelet's rotations look like to a program that watches, as measured with its system calls.

let volume: TokenVolume;

afterEach(() => volume.unmount());

function mount(options: Omit<TokenVolumeOptions, 'directory'> = {}): void {
  volume = TokenVolume.temporary(tmpdir(), options);
}

let ends = 0;

/** What a watch on a path tells of some work: all of it, as the system tells events of one process in their order. */
async function eventsAt(path: string, work: () => void): Promise<string[]> {
  const events: string[] = [];
  // Its own name each time: the removal of the last one is still to be told.
  const end = `end-${ends++}`;
  const watcher = fs.watch(path, (event, filename) => events.push(`${event} ${nameOf(filename)}`));
  const ended = new Promise<void>((resolve) => {
    const witness = fs.watch(volume.directory, (_, filename) => {
      if (filename !== end) return;
      witness.close();
      resolve();
    });
  });
  work();
  fs.writeFileSync(join(volume.directory, end), '');
  await ended;
  watcher.close();
  fs.unlinkSync(join(volume.directory, end));
  return events.filter((event) => !event.includes(' end-'));
}

function nameOf(filename: string | null): string {
  if (filename === basename(volume.directory)) return '(itself)';
  return /^\.\.\d/.test(String(filename)) ? '..timestamp' : String(filename);
}

const rotate = () => volume.write(`token ${Math.random()}`);

const SWAP = ['rename ..data_tmp', 'rename ..data_tmp', 'rename ..data'];
const WHOLE_ROTATION = ['rename ..timestamp', 'rename ..timestamp', ...SWAP, 'rename ..timestamp'];

describe('to a watch of the mount directory', () => {
  it('the first write tells of the link of the file, after the swap', async () => {
    mount();
    expect(await eventsAt(volume.directory, rotate)).toEqual([...WHOLE_ROTATION.slice(0, -1), 'rename vault-token']);
  });

  it('a rotation is six renames, of which one is ..data and none the file', async () => {
    mount();
    rotate();
    for (let rotation = 0; rotation < 3; rotation++) {
      expect(await eventsAt(volume.directory, rotate)).toEqual(WHOLE_ROTATION);
    }
  });

  it('content that is there already is no event', async () => {
    mount();
    volume.write('token');
    expect(await eventsAt(volume.directory, () => volume.write('token'))).toEqual([]);
  });

  // Only root may give files to a group that it is not in.
  describe.skipIf(process.getuid?.() !== 0)('with fsGroup', () => {
    it('attributes change before the swap, those of the file too, when it still holds the old token', async () => {
      mount({ fsGroup: { gid: 2000 } });
      rotate();
      let contentAtChange: string | undefined;
      const before = volume.content;
      const events = await eventsAt(volume.directory, () => {
        for (const step of volume.steps('next')) if (step === 'own-volume') contentAtChange = volume.content;
      });
      expect(events.slice(-4)).toEqual([...SWAP, 'rename ..timestamp']);
      expect(events.slice(0, -4)).toEqual(
        expect.arrayContaining(['change ..data', 'change vault-token', 'rename (itself)']),
      );
      expect(contentAtChange).toBe(before);
    });

    it('of an older kubelet they change after the swap', async () => {
      mount({ fsGroup: { gid: 2000, beforeSwap: false } });
      rotate();
      expect(await eventsAt(volume.directory, rotate)).toEqual([
        ...WHOLE_ROTATION,
        'rename ..timestamp',
        'change ..data',
        'change vault-token',
        'rename (itself)',
      ]);
    });
  });
});

describe('to a watch of the file', () => {
  it('the first rotation is three events, and the second none', async () => {
    mount();
    rotate();
    const twice = () => {
      rotate();
      rotate();
    };
    expect(await eventsAt(volume.path, twice)).toEqual([
      'change vault-token',
      'rename vault-token',
      'rename vault-token',
    ]);
  });
});
