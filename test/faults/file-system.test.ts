import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import { FaultyFileSystem, systemError } from '../helpers/faulty-file-system.js';
import { fault } from './fault.js';
import { FollowedVolume } from './followed-volume.js';

// A disk does not break on demand: these faults are injected between the library and `node:fs`.

fault(
  'opening the file takes longer than the poll interval',
  'one read at a time, the token in use at once; rotations arrive late',
  async () => {
    const fs = new FaultyFileSystem();
    await using followed = await FollowedVolume.open({ fs, pollIntervalMs: 10 });
    let [underWay, most] = [0, 0];
    fs.onOpen = async () => {
      most = Math.max(most, ++underWay);
      await pause(100);
      underWay--;
    };
    const kept = followed.provider.current?.value;
    await expect.poll(() => underWay).toBe(1);
    expect(await followed.provider.getToken()).toBe(kept);
    await followed.expectRecovery();
    await followed.expectRecovery();
    expect(most).toBe(1);
    fs.onOpen = () => {};
    await followed.expectRecovery();
  },
);

fault(
  'opening the file does not come back',
  "the token in use at once; a wait for another ends with the caller's signal",
  async () => {
    const fs = new FaultyFileSystem();
    await using followed = await FollowedVolume.open({ fs });
    const { provider } = followed;
    let comeBack = () => {};
    fs.onOpen = () =>
      new Promise<void>((resolve) => {
        comeBack = resolve;
      });
    const kept = provider.current!.value;
    const opens = fs.opens;
    await expect.poll(() => fs.opens).toBeGreaterThan(opens);
    expect(await provider.getToken()).toBe(kept);
    const signal = AbortSignal.timeout(50);
    await expect(provider.replaceToken(kept, { signal })).rejects.toMatchObject({ code: 'ERR_TOKEN_ABORTED' });
    fs.onOpen = () => {};
    comeBack();
    await followed.expectRecovery();
  },
);

/** Lets a step of each read fail. */
const FAILING: Record<string, (fs: FaultyFileSystem, error: Error) => void> = {
  opened: (fs, error) => {
    fs.onOpen = () => Promise.reject(error);
  },
  read: (fs, error) => {
    fs.onRead = () => Promise.reject(error);
  },
};

for (const code of ['EIO', 'ESTALE', 'EMFILE']) {
  for (const [step, fail] of Object.entries(FAILING)) {
    fault(`\`${code}\` when the file is ${step}`, '`ERR_TOKEN_READ_FAILED`; the token in use stays', async () => {
      const fs = new FaultyFileSystem();
      await using followed = await FollowedVolume.open({ fs });
      fail(fs, systemError(code));
      await followed.expectKept('ERR_TOKEN_READ_FAILED');
      expect(followed.provider.status.lastError?.message).toContain(code);
      fs.onOpen = () => {};
      fs.onRead = () => {};
      await followed.expectRecovery();
    });
  }
}
