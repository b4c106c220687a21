import nodeFs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createFsFromVolume, Volume } from 'memfs';
import { TokenVolume, type TokenVolumeOptions } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const FILE_SYSTEMS = [
  {
    where: 'on the real file system',
    make: () => nodeFs,
    // Only root may give files to a group that it is not in.
    mayOwn: process.getuid?.() === 0,
    swaps: ['rename', 'unlink'] as const,
  },
  {
    where: 'in memory',
    make: () => createFsFromVolume(new Volume()) as unknown as typeof nodeFs,
    mayOwn: true,
    // A rename there moves what a link points at.
    swaps: ['unlink'] as const,
  },
];

/** What the file holds after each step of a rotation. */
const SEEN = {
  rename: [
    ['make-directory', 'first'],
    ['write-file', 'first'],
    ['link-data-tmp', 'first'],
    ['swap-data', 'second'],
    ['remove-old', 'second'],
  ],
  unlink: [
    ['make-directory', 'first'],
    ['write-file', 'first'],
    ['unlink-data', undefined],
    ['swap-data', 'second'],
    ['remove-old', 'second'],
  ],
};

describe.each(FILE_SYSTEMS)('$where', ({ make, mayOwn, swaps }) => {
  let fs: typeof nodeFs;
  let volume: TokenVolume;

  beforeEach(() => {
    fs = make();
  });
  afterEach(() => volume.unmount());

  const mount = (options: Omit<TokenVolumeOptions, 'directory'> = {}) => {
    volume = TokenVolume.temporary(tmpdir(), { fs, ...options });
    return volume;
  };
  const within = (...names: string[]) => join(volume.directory, ...names);
  const entries = () => fs.readdirSync(volume.directory).map(String).sort();
  const modeOf = (path: string) => fs.statSync(path).mode & 0o777;

  it('makes its directory, and holds nothing before the first write', () => {
    mount();
    expect(fs.statSync(volume.directory).isDirectory()).toBe(true);
    expect(entries()).toEqual([]);
    expect(volume.path).toBe(within('vault-token'));
    expect(volume.content).toBeUndefined();
  });

  it('holds what was written last, in one directory of its time, behind two links', () => {
    mount();
    for (const token of ['first', 'second', 'third']) {
      volume.write(token);
      expect(volume.content).toBe(token);
      expect(fs.readFileSync(volume.path, 'utf8')).toBe(token);
      const directory = String(fs.readlinkSync(within('..data')));
      expect(directory).toMatch(/^\.\.\d{4}_\d\d_\d\d_\d\d_\d\d_\d\d\.\d+$/);
      expect(entries()).toEqual([directory, '..data', 'vault-token']);
      expect(fs.readlinkSync(volume.path)).toBe('..data/vault-token');
    }
  });

  it('never touches the link of the file again', () => {
    mount();
    volume.write('first');
    const { ino } = fs.lstatSync(volume.path);
    volume.write('second');
    expect(fs.lstatSync(volume.path).ino).toBe(ino);
  });

  it('links a nested file by its first folder', () => {
    mount({ fileName: 'teams/a/token' });
    volume.write('first');
    volume.write('second');
    expect(volume.path).toBe(within('teams', 'a', 'token'));
    expect(volume.content).toBe('second');
    expect(fs.readlinkSync(within('teams'))).toBe('..data/teams');
  });

  it('holds other files beside the token', () => {
    mount({ files: { 'ca.crt': 'certificate', namespace: 'shop' }, mode: 0o600 });
    volume.write('first');
    volume.write('second');
    expect(entries().slice(1)).toEqual(['..data', 'ca.crt', 'namespace', 'vault-token']);
    expect(fs.readFileSync(within('namespace'), 'utf8')).toBe('shop');
    expect(modeOf(within('namespace'))).toBe(0o644);
    expect(modeOf(volume.path)).toBe(0o600);
  });

  it.each([
    ['as a kubelet without more', {}, 0o644],
    ['for a pod that runs as one user', { mode: 0o600 }, 0o600],
    ['with a defaultMode', { mode: 0o400 }, 0o400],
  ])('gives the token its mode %s, whatever the umask', (_, options, mode) => {
    const umask = process.umask(0o077);
    try {
      mount(options);
      volume.write('first');
    } finally {
      process.umask(umask);
    }
    expect(modeOf(volume.path)).toBe(mode);
    expect(modeOf(dirname(fs.realpathSync(volume.path)))).toBe(0o755);
  });

  describe.skipIf(!mayOwn)('with fsGroup', () => {
    it.each([true, false])(
      '(before the swap: %s) all belongs to the group, and the token is read by it',
      (beforeSwap) => {
        mount({ fsGroup: { gid: 2000, beforeSwap } });
        for (const token of ['first', 'second']) {
          volume.write(token);
          for (const name of ['.', '..data', 'vault-token']) {
            expect(fs.statSync(within(name)).gid).toBe(2000);
          }
          expect(modeOf(volume.path)).toBe(0o640);
          expect(fs.statSync(volume.directory).mode & 0o2750).toBe(0o2750);
        }
      },
    );

    it.each([
      ['it may read the token when that appears', { gid: 2000 }, 2000, 0o640],
      ['of an older kubelet, it may do so a moment later', { gid: 2000, beforeSwap: false }, process.getgid?.(), 0o600],
    ])('%s', (_, fsGroup, gid, mode) => {
      mount({ fsGroup });
      const seen: unknown[] = [];
      for (const step of volume.steps('first')) {
        if (step === 'link-file') seen.push({ gid: fs.statSync(volume.path).gid, mode: modeOf(volume.path) });
      }
      expect(seen).toEqual([{ gid, mode }]);
      expect(fs.statSync(volume.path).gid).toBe(2000);
    });

    it('a mode that is asked for is kept, and made readable', () => {
      mount({ fsGroup: { gid: 2000 }, mode: 0o600, files: { namespace: 'shop' } });
      volume.write('first');
      expect(modeOf(volume.path)).toBe(0o640);
      expect(modeOf(within('namespace'))).toBe(0o644);
    });
  });

  it.each([
    ['text', 'not a token'],
    ['nothing', ''],
  ])('publishes %s that is no token, by the same operations', (_, content) => {
    mount();
    volume.write('first');
    volume.corrupt(content);
    expect(volume.content).toBe(content);
    volume.write('second');
    expect(volume.content).toBe('second');
  });

  it('publishes bytes as they are', () => {
    mount();
    const bytes = Buffer.from([0, 255, 10, 128]);
    volume.corrupt(bytes);
    expect(fs.readFileSync(volume.path)).toEqual(bytes);
  });

  it('is gone when unmounted, and comes back with or without a token', () => {
    mount();
    volume.write('first');
    volume.unmount();
    expect(fs.existsSync(volume.directory)).toBe(false);
    expect(volume.content).toBeUndefined();
    volume.unmount();

    volume.remount();
    expect(entries()).toEqual([]);
    volume.unmount();
    volume.remount('second');
    expect(volume.content).toBe('second');
    volume.write('third');
    expect(volume.content).toBe('third');
  });

  it('remounted on a volume that is there, goes on with it', () => {
    mount();
    volume.write('first');
    volume.remount();
    expect(volume.content).toBe('first');
  });

  it('is unmounted at the end of its scope', () => {
    const { directory } = mount();
    {
      using scoped = new TokenVolume({ directory, fs });
      scoped.write('first');
    }
    expect(fs.existsSync(directory)).toBe(false);
  });

  it.each(swaps)('that swaps by %s shows nothing else meanwhile', (swap) => {
    mount({ swap });
    volume.write('first');
    const seen: unknown[] = [];
    for (const step of volume.steps('second')) seen.push([step, volume.content]);
    expect(seen).toEqual(SEEN[swap]);
  });
});
