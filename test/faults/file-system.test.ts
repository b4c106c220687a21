import { execFileSync } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import nodeFs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ProjectedTokenProvider } from 'projected-token';
import { expect } from 'vitest';
import { FaultyFileSystem, systemError } from '../helpers/faulty-file-system.js';
import { Gate } from '../helpers/gate.js';
import { inOtherRealm } from '../helpers/other-realm.js';
import { waitingThreads } from '../helpers/waiting-threads.js';
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
  '`ERR_TOKEN_READ_FAILED` within 3 s, the token in use at once, a refused token has no replacement; in use again soon after its return',
  async () => {
    const fs = new FaultyFileSystem();
    await using followed = await FollowedVolume.open({ fs });
    const { provider } = followed;
    const gate = new Gate();
    fs.onOpen = () => gate.opened;
    const kept = provider.current!.value;
    const signal = AbortSignal.timeout(50);
    await expect(provider.replaceToken(kept, { signal })).rejects.toMatchObject({ code: 'ERR_TOKEN_ABORTED' });
    expect(await provider.getToken()).toBe(kept);
    expect(await provider.replaceToken(kept)).toBeUndefined();
    await followed.expectKept('ERR_TOKEN_READ_FAILED');
    fs.onOpen = () => {};
    gate.open();
    await followed.expectRecovery();
  },
);

fault(
  'opening the file is lost for ever, in a file system that holds no thread',
  '`ERR_TOKEN_READ_FAILED` within 3 s, the token in use stays; in use again once another attempt comes back',
  async () => {
    const fs = new FaultyFileSystem();
    await using followed = await FollowedVolume.open({ fs });
    fs.onOpen = () => new Promise<void>(() => {});
    const { opens } = fs;
    await followed.expectKept('ERR_TOKEN_READ_FAILED');
    // What is lost for good does not keep the next attempt from being made.
    await expect.poll(() => fs.opens, { timeout: 15_000 }).toBeGreaterThan(opens + 1);
    fs.onOpen = () => {};
    await followed.expectRecovery();
  },
);

fault(
  'opening the file blocks, with ten providers of a file system of the program',
  "one thread of libuv's pool is held; names are resolved and other files read",
  async () => {
    const fs = new FaultyFileSystem();
    await using followed = await FollowedVolume.open({ fs });
    const { volume } = followed;
    const providers = await Promise.all(
      Array.from({ length: 10 }, () => ProjectedTokenProvider.open({ path: volume.path, fs, pollIntervalMs: 20 })),
    );
    const fifo = join(volume.directory, 'fifo');
    execFileSync('mkfifo', [fifo]);
    // Without O_NONBLOCK: it waits for a writer, in a thread of the pool.
    fs.onOpen = () => nodeFs.promises.open(fifo, 'r').then((handle) => handle.close());
    const refused = Promise.all(providers.map((provider) => provider.replaceToken(provider.current!.value)));
    await expect.poll(() => waitingThreads(/wait_for_partner|fifo/)).toBe(1);
    const answered = Promise.all([lookup('localhost'), nodeFs.promises.readFile('/etc/hosts')]);
    const late = pause(2000, 'late', { ref: false });
    expect(await Promise.race([answered, late])).not.toBe('late');
    expect(await refused).toEqual(providers.map(() => undefined));
    expect(waitingThreads(/wait_for_partner|fifo/)).toBe(1);
    fs.onOpen = () => {};
    // Its writer lets it go.
    nodeFs.closeSync(nodeFs.openSync(fifo, nodeFs.constants.O_WRONLY | nodeFs.constants.O_NONBLOCK));
    await followed.expectRecovery();
    await Promise.all(providers.map((provider) => provider.close()));
  },
  process.platform === 'linux',
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

fault(
  'the file is missing at four attempts in a row',
  'attempts 1, 2, 4 and 8 ms apart; the token is found, nothing is told',
  async () => {
    const fs = new FaultyFileSystem();
    await using followed = await FollowedVolume.open({ fs });
    const atMs: number[] = [];
    fs.onOpen = () => {
      if (atMs.push(performance.now()) <= 4) throw systemError('ENOENT');
      fs.onOpen = () => {};
    };
    expect(await followed.provider.refresh()).toBe(followed.provider.current);
    const pausesMs = atMs.slice(1).map((ms, index) => ms - atMs[index]!);
    // A timer of Node may fire a fraction of a millisecond early.
    for (const [index, pauseMs] of [1, 2, 4, 8].entries()) expect(pausesMs[index]).toBeGreaterThan(pauseMs - 1);
    expect(followed.events).toEqual([]);
    await followed.expectRecovery();
  },
);

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

fault(
  'the file is missing, and errors come of another realm, as under Jest',
  '`ERR_TOKEN_NOT_FOUND`, no `degraded`; the token in use stays',
  async () => {
    const fs = new FaultyFileSystem();
    await using followed = await FollowedVolume.open({ fs });
    const missing = inOtherRealm<Error>('Object.assign(new Error("ENOENT: injected"), { code: "ENOENT" })');
    expect(missing).not.toBeInstanceOf(Error);
    fs.onOpen = () => {
      throw missing;
    };
    await followed.expectKept('ERR_TOKEN_NOT_FOUND');
    expect(followed.events).not.toContain('degraded');
    fs.onOpen = () => {};
    await followed.expectRecovery();
  },
);
