import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mintToken, TokenVolume } from 'projected-token/testing';
import { afterEach, beforeEach, expect } from 'vitest';
import { nextEvent } from '../helpers/provider-events.js';
import { fault } from './fault.js';
import { FollowedVolume } from './followed-volume.js';

// A kubelet's volume is a tmpfs of its own. Only who may mount can bring these faults about.
const mayMount = spawnSync('unshare', ['--mount', 'true']).status === 0;

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tmpfs-'));
});
afterEach(() => {
  spawnSync('umount', ['--lazy', directory]);
  rmSync(directory, { recursive: true });
});

const mount = (...options: string[]) => execFileSync('mount', ['-t', 'tmpfs', ...options, 'tmpfs', directory]);
// Lazily: whoever reads in it right now keeps nothing from going.
const unmount = () => execFileSync('umount', ['--lazy', directory]);

async function followMount(...options: string[]): Promise<FollowedVolume> {
  mount(...options);
  return FollowedVolume.open({}, { volume: new TokenVolume({ directory }) });
}

/** The watch is on the directory that is there now: its events lead to reads. */
async function expectWatched({ provider, volume }: FollowedVolume): Promise<void> {
  await expect.poll(() => provider.status.watching, { timeout: 10_000 }).toBe('events');
  // After the read that follows on an armed watch.
  await provider.refresh();
  const { event } = provider.status.counts.reads;
  const rotated = nextEvent(provider, 'rotated');
  volume.write(await mintToken());
  await rotated;
  expect(provider.status.counts.reads.event).toBeGreaterThan(event);
}

fault(
  'the mount is gone, and comes back later',
  '`ERR_TOKEN_NOT_FOUND`; the token in use stays',
  async () => {
    await using followed = await followMount();
    unmount();
    await followed.expectKept('ERR_TOKEN_NOT_FOUND');
    mount();
    await followed.expectRecovery();
    await expectWatched(followed);
  },
  mayMount,
);

fault(
  'the volume is mounted anew at once, with another token',
  'the other token is taken',
  async () => {
    await using followed = await followMount();
    unmount();
    mount();
    await followed.expectRecovery();
    await expectWatched(followed);
  },
  mayMount,
);

fault(
  'another volume is mounted over it',
  'its token is taken; that of the lower one again when it is gone',
  async () => {
    await using followed = await followMount();
    const lower = followed.volume.content;
    mount();
    await followed.expectRecovery();
    unmount();
    await expect.poll(() => followed.provider.current?.value).toBe(lower);
    await followed.expectRecovery();
    await expectWatched(followed);
  },
  mayMount,
);

fault(
  'the mount is read-only',
  'the token in use stays, nothing is told',
  async () => {
    await using followed = await followMount();
    const { provider, volume, events } = followed;
    execFileSync('mount', ['-o', 'remount,ro', directory]);
    const token = await mintToken();
    expect(() => volume.write(token)).toThrow('EROFS');
    await provider.refresh();
    expect(events).toEqual([]);
    execFileSync('mount', ['-o', 'remount,rw', directory]);
    await followed.expectRecovery();
    await expectWatched(followed);
  },
  mayMount,
);

fault(
  'the mount is full',
  'the token in use stays, nothing is told',
  async () => {
    await using followed = await followMount('-o', 'size=64k');
    const { provider, volume, events } = followed;
    const filling = join(directory, '..filling');
    expect(() => writeFileSync(filling, Buffer.alloc(1024 * 1024))).toThrow('ENOSPC');
    const token = await mintToken();
    expect(() => volume.write(token)).toThrow('ENOSPC');
    await provider.refresh();
    expect(events).toEqual([]);
    rmSync(filling);
    await followed.expectRecovery();
    await expectWatched(followed);
  },
  mayMount,
);
