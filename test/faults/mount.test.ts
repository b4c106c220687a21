import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProjectedTokenProviderOptions } from 'projected-token';
import { mintToken, TokenVolume } from 'projected-token/testing';
import { afterEach, beforeEach, expect } from 'vitest';
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

/** A provider that learns of a rotation by events alone, unless something is amiss. */
async function followMount(
  options: ProjectedTokenProviderOptions = { pollIntervalMs: 2 ** 31 - 1 },
): Promise<FollowedVolume> {
  return FollowedVolume.open(options, { volume: new TokenVolume({ directory }) });
}

/** The watch is on the directory that is there now. */
async function expectWatched(followed: FollowedVolume): Promise<void> {
  await expect.poll(() => followed.provider.status.watching, { timeout: 10_000 }).toBe('events');
  await followed.expectRecovery();
  await followed.expectRecovery();
}

fault(
  'the mount is gone, and comes back later',
  '`ERR_TOKEN_NOT_FOUND`; the token in use stays',
  async () => {
    mount();
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
    mount();
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
    mount();
    await using followed = await followMount({ pollIntervalMs: 50 });
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
    mount();
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
    mount('-o', 'size=64k');
    await using followed = await followMount();
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
