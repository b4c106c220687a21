import { describe, expect, it } from 'vitest';
import { deviceOf, parseMountInfo, readMounts } from '../../src/volume/mounts.js';

// Lines as in proc(5).
const MOUNTS = parseMountInfo(
  [
    '27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw',
    '40 27 0:30 / /var/run/secrets/tokens rw,relatime - tmpfs tmpfs rw,size=16k',
    '41 27 0:31 / /mnt/with\\040space rw - tmpfs tmpfs rw',
    '42 27 0:32 / /mnt/nfs rw master:1 - nfs4 server:/export rw',
    '43 27 0:33 / /mnt/nfs/inner rw - tmpfs tmpfs rw',
    '44 27 0:34 / /mnt/nfs/inner rw - tmpfs covers the one before rw',
    '45 27 0:32 /sub /mnt/bound rw - nfs4 server:/export rw',
    '',
  ].join('\n'),
);

describe('the device of a path', () => {
  it.each([
    ['/', '254:0'],
    ['/etc/hosts', '254:0'],
    ['/var/run/secrets/tokens', '0:30'],
    ['/var/run/secrets/tokens/..data/vault-token', '0:30'],
    ['/var/run/secrets/tokens-of-others', '254:0'],
    ['/mnt/with space/token', '0:31'],
    ['/mnt/nfs/inner/token', '0:34'],
    ['/mnt/nfs/token', '0:32'],
    // One file system has one, wherever it is mounted.
    ['/mnt/bound/token', '0:32'],
  ])('%s is %s', (path, device) => {
    expect(deviceOf(path, MOUNTS)).toBe(device);
  });

  it('is unknown where nothing is known of mounts', () => {
    expect(deviceOf('/etc', [])).toBeUndefined();
  });
});

it.runIf(process.platform === 'linux')('the mounts of this process are read from the system', () => {
  const mounts = readMounts()!;
  expect(deviceOf('/proc/self', mounts)).not.toBe(deviceOf('/', mounts));
});
