import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProjectedTokenProvider } from 'projected-token';
import { mintToken, TokenVolume } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KubeletProcess } from '../helpers/kubelet-process.js';
import { inUse, nextEvent } from '../helpers/provider-events.js';

// A directory that is gone is looked for in these intervals; what is mounted again is watched again.
const OFTEN = { pollIntervalMs: 50 };

let parent: string;
let directory: string;
let provider: ProjectedTokenProvider | undefined;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'mount-'));
  directory = join(parent, 'tokens');
});

afterEach(async () => {
  await provider?.close();
  rmSync(parent, { recursive: true, force: true });
});

/** Two rotations that the provider learns of by events alone: the watch must be on the directory that is there now. */
async function expectRotationsByEvents(volume: TokenVolume): Promise<void> {
  expect(provider!.status.watching).toBe('events');
  const { poll } = provider!.status.counts.reads;
  for (const token of [await mintToken(), await mintToken()]) {
    const arrived = inUse(provider!, token);
    volume.write(token);
    await arrived;
  }
  // The events came first each time: the poll may have looked, and found nothing new.
  expect(provider!.status.counts.reads.event).toBeGreaterThan(0);
  expect(provider!.status.counts.reads.poll).toBeGreaterThanOrEqual(poll);
}

describe('a mount directory that is not there yet', () => {
  it('is waited for by open, and rotations are followed then', async () => {
    const opening = ProjectedTokenProvider.open({ path: join(directory, 'vault-token'), ...OFTEN });
    const volume = new TokenVolume({ directory });
    const token = await mintToken();
    volume.write(token);
    provider = await opening;
    expect(provider.current?.value).toBe(token);
    await expectRotationsByEvents(volume);
  });

  it('is waited for when it comes from another process, some directories above it too', async () => {
    directory = join(parent, 'run', 'secrets', 'tokens');
    const opening = ProjectedTokenProvider.open({ path: join(directory, 'vault-token'), ...OFTEN });
    await using kubelet = await KubeletProcess.start({ directory });
    const tokens = [await mintToken(), await mintToken()];
    await kubelet.write([tokens[0]!]);
    provider = await opening;
    await kubelet.write([tokens[1]!]);
    await inUse(provider, tokens[1]!);
  });

  it('ends open with what is missing, once that has waited long enough', async () => {
    const path = join(directory, 'vault-token');
    await expect(ProjectedTokenProvider.open({ path, ...OFTEN, readyTimeoutMs: 500 })).rejects.toMatchObject({
      code: 'ERR_TOKEN_NOT_FOUND',
      path,
      message: expect.stringContaining(path),
    });
  });
});

it('a file that comes later than its directory is waited for', async () => {
  const volume = new TokenVolume({ directory });
  const opening = ProjectedTokenProvider.open({ path: volume.path, ...OFTEN });
  const token = await mintToken();
  volume.write(token);
  provider = await opening;
  expect(provider.current?.value).toBe(token);
  await expectRotationsByEvents(volume);
});

describe('a directory that is removed and made again', () => {
  it.each([
    ['in one go', async () => {}],
    ['after the provider has seen that it is gone', () => nextEvent(provider!, 'rejected')],
  ])('%s is watched again: two more rotations arrive', async (_, between) => {
    const volume = new TokenVolume({ directory });
    volume.write(await mintToken());
    provider = await ProjectedTokenProvider.open({ path: volume.path, ...OFTEN });
    const kept = provider.current!.value;

    const seen = between();
    volume.unmount();
    await seen;
    expect(await provider.getToken()).toBe(kept);
    const token = await mintToken();
    volume.remount(token);
    await inUse(provider, token);
    await expect.poll(() => provider!.status.watching, { timeout: 10_000 }).toBe('events');
    await expectRotationsByEvents(volume);
  });

  it('by another process, ten times, is followed each time', async () => {
    await using kubelet = await KubeletProcess.start({ directory });
    await kubelet.write([await mintToken()]);
    provider = await ProjectedTokenProvider.open({ path: join(directory, 'vault-token'), ...OFTEN });
    for (let round = 0; round < 10; round++) {
      const [mounted, rotated] = [await mintToken(), await mintToken()];
      await kubelet.unmount();
      await kubelet.remount(mounted);
      await inUse(provider, mounted);
      await kubelet.write([rotated]);
      await inUse(provider, rotated);
    }
  });

  it('that was moved away, with another moved in its place, is watched in its place', async () => {
    const volume = new TokenVolume({ directory });
    volume.write(await mintToken());
    provider = await ProjectedTokenProvider.open({ path: volume.path, ...OFTEN });
    const other = new TokenVolume({ directory: join(parent, 'other') });
    const token = await mintToken();
    other.write(token);
    renameSync(directory, join(parent, 'gone'));
    renameSync(other.directory, directory);
    await inUse(provider, token);
    await expect.poll(() => provider!.status.watching, { timeout: 10_000 }).toBe('events');
    await expectRotationsByEvents(volume);
  });
});

describe('a regular file', () => {
  it('is said to be one, and followed when it is written anew', async () => {
    mkdirSync(directory);
    const path = join(directory, 'token');
    writeFileSync(path, await mintToken());
    provider = await ProjectedTokenProvider.open({ path });
    expect(provider.status).toMatchObject({ file: 'regular', state: 'ready' });
    const token = await mintToken();
    // As an editor or a sidecar does it: never half a file.
    writeFileSync(join(directory, 'token.new'), token);
    renameSync(join(directory, 'token.new'), path);
    await inUse(provider, token);
  });

  it('that takes the place of a projected one, as a subPath mount would, is said to be one', async () => {
    const volume = new TokenVolume({ directory });
    volume.write(await mintToken());
    provider = await ProjectedTokenProvider.open({ path: volume.path, ...OFTEN });
    expect(provider.status.file).toBe('projected');
    const token = await mintToken();
    volume.unmount();
    mkdirSync(directory);
    writeFileSync(volume.path, token);
    await inUse(provider, token);
    expect(provider.status.file).toBe('regular');
  });
});

describe('the path', () => {
  it('of a mount directory leads to the one token in it, whatever other files there are', async () => {
    const volume = new TokenVolume({
      directory,
      fileName: 'my-token',
      files: { 'ca.crt': 'certificate', namespace: 'shop' },
    });
    volume.write(await mintToken());
    provider = await ProjectedTokenProvider.open({ path: directory });
    expect(provider.status.file).toBe('projected');
    await expectRotationsByEvents(volume);
  });

  it('of a token in a folder of the volume leads to the volume', async () => {
    const volume = new TokenVolume({ directory, fileName: 'vault/prod/token' });
    volume.write(await mintToken());
    provider = await ProjectedTokenProvider.open({ path: volume.path });
    await expectRotationsByEvents(volume);
  });

  it('may be a link to the token file from elsewhere', async () => {
    const volume = new TokenVolume({ directory });
    volume.write(await mintToken());
    const link = join(parent, 'link');
    symlinkSync(volume.path, link);
    provider = await ProjectedTokenProvider.open({ path: link, ...OFTEN });
    const token = await mintToken();
    volume.write(token);
    await inUse(provider, token);
  });
});
