import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { VolumeLocation } from '../../src/volume/locate-volume.js';
import { VolumeFollower } from '../../src/volume/volume-follower.js';
import { systemError } from '../helpers/faulty-file-system.js';
import { ScriptedDirectory } from '../helpers/scripted-directory.js';
import { turn } from '../helpers/turn.js';

const VOLUME = { directory: '/mnt/tokens', kind: 'projected', entry: 'vault-token' } as const;
const OTHER = { directory: '/mnt/other', kind: 'regular', entry: 'vault-token' } as const;

let fs: ScriptedDirectory;
let listener: Record<'onChange' | 'onDegraded' | 'onRestored', ReturnType<typeof vi.fn<() => Promise<void>>>>;
let follower: VolumeFollower;

beforeEach(() => {
  fs = new ScriptedDirectory();
  listener = { onChange: vi.fn(async () => {}), onDegraded: vi.fn(), onRestored: vi.fn() };
  follower = new VolumeFollower(fs, '/mnt/tokens/vault-token', listener as never);
});

const directories = () => fs.watched.map((args) => (args as [string])[0]);

describe('a follower', () => {
  it('polls, of nothing that it knows, until it follows', () => {
    expect(follower.watching).toBe('polling');
    expect(follower.kind).toBeUndefined();
  });

  it('watches the directory in which the file was found', async () => {
    follower.locate(VOLUME);
    await follower.follow();
    expect(directories()).toEqual(['/mnt/tokens']);
    expect(follower).toMatchObject({ watching: 'events', kind: 'projected' });
  });

  it('has looked once more when it follows: what changed before the watch was armed, no event told', async () => {
    follower.locate(VOLUME);
    let look = () => {};
    listener.onChange.mockImplementation(() => new Promise((resolve) => (look = resolve)));
    let isFollowing = false;
    const following = follower.follow().then(() => {
      isFollowing = true;
    });
    await turn();
    expect(listener.onChange).toHaveBeenCalled();
    expect(isFollowing).toBe(false);
    look();
    await following;
  });

  it('tells each event', async () => {
    follower.locate(VOLUME);
    await follower.follow();
    listener.onChange.mockClear();
    fs.open[0]?.tell('..data');
    fs.open[0]?.tell('..data');
    expect(listener.onChange).toHaveBeenCalledTimes(2);
  });

  it('goes after a file that is found in another directory', async () => {
    follower.locate(VOLUME);
    await follower.follow();
    follower.locate(OTHER);
    await turn();
    expect(directories()).toEqual(['/mnt/tokens', '/mnt/other']);
    expect(fs.open).toHaveLength(1);
    expect(follower.kind).toBe('regular');
  });

  it('goes after it while it is about to watch the one before', async () => {
    follower.locate(VOLUME);
    const following = follower.follow();
    await Promise.resolve();
    follower.locate(OTHER);
    await following;
    await turn();
    expect(directories().at(-1)).toBe('/mnt/other');
    expect(fs.open).toHaveLength(1);
    // When the other was armed, and after that.
    expect(listener.onChange).toHaveBeenCalledTimes(2);
  });

  it('stays with a file that is found in the same directory', async () => {
    follower.locate(VOLUME);
    await follower.follow();
    follower.locate({ ...VOLUME });
    await turn();
    expect(directories()).toEqual(['/mnt/tokens']);
  });

  it('does not follow by itself', async () => {
    follower.locate(VOLUME);
    follower.locate(OTHER);
    await turn();
    expect(directories()).toEqual([]);
  });

  it('tells once that it cannot watch, and once that it can again', async () => {
    const error = systemError('ENOSPC');
    fs.watchError = error;
    follower.locate(VOLUME);
    await follower.follow();
    expect(listener.onDegraded.mock.calls).toEqual([[error]]);
    expect(follower.watching).toBe('polling');
    await follower.check();
    expect(listener.onDegraded).toHaveBeenCalledTimes(1);

    fs.watchError = undefined;
    await follower.check();
    expect(listener.onRestored).toHaveBeenCalledTimes(1);
    expect(follower.watching).toBe('events');
    await follower.rearm();
    expect(listener.onRestored).toHaveBeenCalledTimes(1);
    expect(listener.onDegraded).toHaveBeenCalledTimes(1);
    expect(fs.watches).toHaveLength(2);

    fs.open[0]?.fail(error);
    expect(listener.onDegraded).toHaveBeenCalledTimes(2);
  });

  it('tells what is no error as one', async () => {
    fs.watchError = 'no more watches' as never;
    follower.locate(VOLUME);
    await follower.follow();
    expect(listener.onDegraded.mock.calls).toEqual([[new Error('no more watches')]]);
  });

  it('of a watch that failed before it joined is told that too', async () => {
    fs.watchError = systemError('EMFILE');
    const first = new VolumeFollower(fs, '/mnt/tokens/other', listener as never);
    first.locate(VOLUME);
    await first.follow();
    listener.onDegraded.mockClear();
    follower.locate(VOLUME);
    await follower.follow();
    expect(listener.onDegraded).toHaveBeenCalledTimes(1);
  });

  it('is neither degraded nor restored by a directory that is missing', async () => {
    fs.statError = systemError('ENOENT');
    follower.locate(VOLUME);
    await follower.follow();
    expect(follower.watching).toBe('polling');
    fs.statError = undefined;
    await follower.check();
    expect(follower.watching).toBe('events');
    expect(listener.onDegraded).not.toHaveBeenCalled();
    expect(listener.onRestored).not.toHaveBeenCalled();
  });
});

describe('a follower whose file was not found yet', () => {
  it('watches the directory asked for', async () => {
    await new VolumeFollower(fs, '/mnt/tokens', listener as never).follow();
    expect(directories()).toEqual(['/mnt/tokens']);
  });

  it('watches the directory that the file should come to be in', async () => {
    fs.promises.stat = async () => ({ ...(await new ScriptedDirectory().promises.stat()), isDirectory: () => false });
    await follower.follow();
    expect(directories()).toEqual(['/mnt/tokens']);
  });

  it('watches that directory once it is there', async () => {
    fs.statError = systemError('ENOENT');
    await follower.follow();
    expect(directories()).toEqual([]);
    fs.statError = undefined;
    await follower.check();
    expect(directories()).toEqual(['/mnt/tokens']);
  });
});

describe('events of a directory', () => {
  async function told(location: VolumeLocation | undefined, names: (string | null)[]): Promise<number> {
    follower.locate(VOLUME);
    await follower.follow();
    follower.locate(location);
    await turn();
    listener.onChange.mockClear();
    for (const name of names) fs.open[0]?.tell(name);
    await turn();
    return listener.onChange.mock.calls.length;
  }

  it.each<[string, VolumeLocation | undefined, (string | null)[], number]>([
    ['of a swap', VOLUME, ['..data'], 1],
    ['of the link to the token', VOLUME, ['vault-token'], 1],
    ['of the directory itself', VOLUME, ['tokens'], 1],
    ['without a name', VOLUME, [null], 1],
    ['of anything else in a projected volume', VOLUME, ['log', '..data_tmp', '..2026_03_01', 'ca.crt'], 0],
    ['of a regular file', { ...VOLUME, kind: 'regular' }, ['vault-token'], 1],
    ['of the neighbours of a regular file', { ...VOLUME, kind: 'regular' }, ['log', '..data'], 0],
    ['of anything, while no file is found', undefined, ['log', 'ca.crt'], 2],
  ])('%s', async (_, location, names, times) => {
    expect(await told(location, names)).toBe(times);
  });

  it('lead to a hundred reads at once and fifty a second in the long run, and the last of them to one', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
    // The clock of the one made before each test is another one, which the process has run for a while already.
    follower = new VolumeFollower(fs, '/mnt/tokens/vault-token', listener as never);
    follower.locate(VOLUME);
    await follower.follow();
    listener.onChange.mockClear();
    for (let ms = 0; ms < 10_000; ms++) {
      fs.open[0]?.tell('..data');
      await vi.advanceTimersByTimeAsync(1);
    }
    const reads = listener.onChange.mock.calls.length;
    expect(reads).toBeGreaterThanOrEqual(500);
    expect(reads).toBeLessThanOrEqual(100 + 500 + 1);
    fs.open[0]?.tell('..data');
    await vi.advanceTimersByTimeAsync(20);
    expect(listener.onChange.mock.calls.length).toBeGreaterThan(reads);
    await follower.stop();
  });
});

describe('a follower that stops', () => {
  it('ends its watch, and resolves when that has ended', async () => {
    follower.locate(VOLUME);
    await follower.follow();
    await follower.stop();
    await follower.stop();
    expect(fs.open).toEqual([]);
  });

  it('before it followed never does', async () => {
    await follower.stop();
    await follower.follow();
    expect(fs.watches).toEqual([]);
    expect(listener.onChange).not.toHaveBeenCalled();
  });

  it('while it looks for the directory does not go on', async () => {
    let look = () => {};
    fs.beforeStat = () => new Promise((resolve) => (look = resolve));
    const following = follower.follow();
    await follower.stop();
    look();
    await following;
    expect(fs.watches).toEqual([]);
  });

  it('while its watch is armed has it ended, and looks no more', async () => {
    follower.locate(VOLUME);
    let look = () => {};
    fs.beforeStat = () => new Promise((resolve) => (look = resolve));
    const following = follower.follow();
    await turn();
    const stopping = follower.stop();
    look();
    await Promise.all([following, stopping]);
    expect(fs.open).toEqual([]);
    expect(listener.onChange).not.toHaveBeenCalled();
  });

  it('checks and arms nothing before it follows', async () => {
    await follower.check();
    await follower.rearm();
    expect(fs.stats).toBe(0);
  });
});
