import { appendFileSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createLocalJWKSet } from 'jose';
import { mintedTokenKeys, mintToken, type TokenVolume } from 'projected-token/testing';
import { expect } from 'vitest';
import { fault } from './fault.js';
import { DATA_FAULTS, FILE_FAULTS, type FileFault } from './file-faults.js';
import { FollowedVolume } from './followed-volume.js';

const SOCKET: FileFault = {
  code: 'ERR_TOKEN_NOT_A_FILE',
  make: (path) => void createServer().listen(path).unref(),
};

const dataIn = ({ directory }: TokenVolume) => join(directory, '..data');

/** What is befallen, where that is, and by what. */
const PLACES: Record<string, [(volume: TokenVolume) => string, Record<string, FileFault>]> = {
  'the link to the file is': [({ path }) => path, { ...FILE_FAULTS, 'replaced by a socket': SOCKET }],
  // No event of the mount directory tells of this: the poll finds it.
  'the file behind the link is': [(volume) => join(dataIn(volume), 'vault-token'), FILE_FAULTS],
  '`..data` is': [dataIn, DATA_FAULTS],
};

for (const [place, [pathIn, faults]] of Object.entries(PLACES)) {
  for (const [what, { code, make, isPossible }] of Object.entries(faults)) {
    fault(
      `${place} ${what}`,
      `\`${code}\`; the token in use stays`,
      async () => {
        await using followed = await FollowedVolume.open();
        const path = pathIn(followed.volume);
        rmSync(path);
        make(path, followed.provider.current!.value);
        await followed.expectKept(code);
        // A kubelet makes a link only where there is none, and would read the fifo for ever.
        rmSync(path, { recursive: true, force: true });
        await followed.expectRecovery();
      },
      isPossible,
    );
  }
}

fault('a leftover `..data_tmp` stops the kubelet', 'the token in use stays, nothing is told', async () => {
  await using followed = await FollowedVolume.open();
  const { provider, volume, events } = followed;
  const kept = await provider.getToken();
  const leftover = join(volume.directory, '..data_tmp');
  symlinkSync('..nowhere', leftover);
  const token = await mintToken();
  expect(() => volume.write(token)).toThrow('EEXIST');
  await provider.refresh();
  expect(await provider.getToken()).toBe(kept);
  expect(events).toEqual([]);
  unlinkSync(leftover);
  await followed.expectRecovery();
});

fault('a neighbour of the token is written to again and again', 'no reads; the token in use stays', async () => {
  // Events alone: the poll would read as well.
  await using followed = await FollowedVolume.open({ pollIntervalMs: 2 ** 31 - 1 });
  const { provider, volume } = followed;
  const readsByEvents = () => provider.status.counts.reads.event;
  await followed.expectRecovery();
  const before = readsByEvents();
  for (let time = 0; time < 500; time++) appendFileSync(join(volume.directory, 'log'), 'line\n');
  // What they told has been told when this rotation has been.
  await followed.expectRecovery();
  // Those of the rotation itself.
  expect(readsByEvents() - before).toBeLessThan(6);
});

fault('a token is cut in its signature', '`ERR_TOKEN_SIGNATURE` with the option `verify`', async () => {
  const verify = createLocalJWKSet((await mintedTokenKeys()) as never);
  await using followed = await FollowedVolume.open({ verify });
  followed.volume.write((await mintToken()).slice(0, -20));
  await followed.expectKept('ERR_TOKEN_SIGNATURE');
  await followed.expectRecovery();
});

const SIZES = { '64 KiB': 64 * 1024, '64 KiB and a byte': 64 * 1024 + 1, '1 MiB': 1024 * 1024 };

for (const [size, bytes] of Object.entries(SIZES)) {
  const isTaken = bytes <= 64 * 1024;
  const outcome = isTaken ? 'is taken' : '`ERR_TOKEN_TOO_LARGE`; the token in use stays';
  fault(`a token of ${size}`, outcome, async () => {
    await using followed = await FollowedVolume.open();
    // A claim can bring a token close to the size, white space to the byte.
    const token = await mintToken({ claims: { padding: 'x'.repeat(bytes * 0.74) } });
    followed.volume.write(token.padEnd(bytes, '\n'));
    if (isTaken) await expect.poll(() => followed.provider.current?.value).toBe(token);
    else await followed.expectKept('ERR_TOKEN_TOO_LARGE');
    await followed.expectRecovery();
  });
}
