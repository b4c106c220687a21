import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createLocalJWKSet } from 'jose';
import { mintedTokenKeys, mintToken, type TokenVolume } from 'projected-token/testing';
import { expect } from 'vitest';
import { fault } from './fault.js';
import { FollowedVolume } from './followed-volume.js';

const isRoot = process.getuid?.() === 0;

/** What may take the place of the token file, what it is called then, and who can make it. */
const REPLACEMENTS: Record<
  string,
  { code: string; make: (path: string, token: string) => unknown; isPossible?: boolean }
> = {
  removed: { code: 'ERR_TOKEN_NOT_FOUND', make: () => {} },
  emptied: { code: 'ERR_TOKEN_EMPTY', make: (path) => writeFileSync(path, '') },
  truncated: {
    code: 'ERR_TOKEN_MALFORMED',
    make: (path, token) => writeFileSync(path, token.slice(0, token.lastIndexOf('.') - 10)),
  },
  'replaced by a directory': { code: 'ERR_TOKEN_NOT_FOUND', make: (path) => mkdirSync(path) },
  'replaced by a fifo': { code: 'ERR_TOKEN_NOT_A_FILE', make: (path) => execFileSync('mkfifo', [path]) },
  'replaced by a device': {
    code: 'ERR_TOKEN_NOT_A_FILE',
    make: (path) => execFileSync('mknod', [path, 'c', '1', '5']),
    isPossible: isRoot,
  },
  'replaced by a link to a device': {
    code: 'ERR_TOKEN_NOT_A_FILE',
    make: (path) => symlinkSync('/dev/zero', path),
  },
  'replaced by a socket': { code: 'ERR_TOKEN_NOT_A_FILE', make: listen },
  'replaced by a dangling link': { code: 'ERR_TOKEN_NOT_FOUND', make: (path) => symlinkSync('nowhere', path) },
  'replaced by a link to itself': { code: 'ERR_TOKEN_READ_FAILED', make: (path) => symlinkSync(path, path) },
};

async function listen(path: string): Promise<void> {
  const server = createServer().listen(path);
  server.unref();
  await once(server, 'listening');
}

const PLACES: Record<string, (volume: TokenVolume) => string> = {
  'the link to the file is': ({ path }) => path,
  // No event of the mount directory tells of this: the poll finds it.
  'the file behind the link is': ({ directory }) => join(directory, '..data', 'vault-token'),
};

for (const [place, pathIn] of Object.entries(PLACES)) {
  for (const [what, { code, make, isPossible }] of Object.entries(REPLACEMENTS)) {
    fault(
      `${place} ${what}`,
      `\`${code}\`; the token in use stays`,
      async () => {
        await using followed = await FollowedVolume.open();
        const path = pathIn(followed.volume);
        const token = readFileSync(path, 'utf8');
        rmSync(path);
        await make(path, token);
        await followed.expectKept(code);
        // A kubelet makes the link only where there is none, and would read the fifo for ever.
        rmSync(path, { recursive: true, force: true });
        await followed.expectRecovery();
      },
      isPossible,
    );
  }
}

const DATA_LINKS: Record<string, { code: string; make: (data: string) => void }> = {
  removed: { code: 'ERR_TOKEN_NOT_FOUND', make: () => {} },
  dangling: { code: 'ERR_TOKEN_NOT_FOUND', make: (data) => symlinkSync('..nowhere', data) },
  'in a loop': {
    code: 'ERR_TOKEN_READ_FAILED',
    make: (data) => {
      symlinkSync('..loop', data);
      symlinkSync('..data', join(data, '..', '..loop'));
    },
  },
};

for (const [what, { code, make }] of Object.entries(DATA_LINKS)) {
  fault(`\`..data\` is ${what}`, `\`${code}\`; the token in use stays`, async () => {
    await using followed = await FollowedVolume.open();
    const data = join(followed.volume.directory, '..data');
    unlinkSync(data);
    make(data);
    await followed.expectKept(code);
    await followed.expectRecovery();
  });
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
