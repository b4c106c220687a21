import { beforeEach, describe, expect, it } from 'vitest';
import type { DirectoryWatchSubscription } from '../../src/volume/directory-watch.js';
import { started, subscribe } from '../helpers/directory-subscription.js';
import { systemError } from '../helpers/faulty-file-system.js';
import { ScriptedDirectory } from '../helpers/scripted-directory.js';
import { turn } from '../helpers/turn.js';

let fs: ScriptedDirectory;

beforeEach(() => {
  fs = new ScriptedDirectory();
});

describe('several who watch', () => {
  it('the same directory share one watch, and are told the same', async () => {
    const [first, second] = [subscribe(fs), subscribe(fs)];
    await Promise.all([first.watch.started, second.watch.started]);
    expect(fs.watches).toHaveLength(1);
    fs.open[0]?.tell('..data');
    for (const { onChange, onState } of [first, second]) {
      expect(onChange).toHaveBeenCalledTimes(2);
      expect(onState).toHaveBeenCalledTimes(1);
    }
  });

  it('join what is there, in the state that it is in', async () => {
    await started(fs);
    const late = subscribe(fs);
    expect(late.watch.state).toBe('watching');
    await late.watch.started;
    fs.open[0]?.tell('..data');
    expect(late.onChange).toHaveBeenCalledTimes(1);
    expect(fs.watches).toHaveLength(1);
  });

  it('other directories, or the same of another file system, have watches of their own', async () => {
    const other = new ScriptedDirectory();
    const subscriptions = [subscribe(fs, '/mnt/a'), subscribe(fs, '/mnt/b'), subscribe(other, '/mnt/a')];
    await Promise.all(subscriptions.map(({ watch }) => watch.started));
    expect(fs.watches).toHaveLength(2);
    expect(other.watches).toHaveLength(1);
  });

  it('lose nothing when one of them leaves while they are told', async () => {
    const [leaving, staying] = [await started(fs), await started(fs)];
    leaving.onChange.mockClear().mockImplementation(() => void leaving.watch.unsubscribe());
    staying.onChange.mockClear();
    fs.open[0]?.tell('..data');
    fs.open[0]?.tell('..data');
    expect(staying.onChange).toHaveBeenCalledTimes(2);
    expect(leaving.onChange).toHaveBeenCalledTimes(1);
  });

  it('are not told twice when one joins while they are told', async () => {
    const first = await started(fs);
    const joined: ReturnType<typeof subscribe>[] = [];
    first.onChange.mockImplementation(() => joined.push(subscribe(fs)));
    fs.open[0]?.tell('..data');
    expect(joined).toHaveLength(1);
    expect(joined[0]?.onChange).not.toHaveBeenCalled();
  });
});

describe('who unsubscribes', () => {
  it('last ends the watch, and the next begins another', async () => {
    const [first, second] = [await started(fs), await started(fs)];
    await first.watch.unsubscribe();
    await first.watch.unsubscribe();
    expect(fs.open).toHaveLength(1);
    await second.watch.unsubscribe();
    expect(fs.open).toEqual([]);
    const { watch } = await started(fs);
    expect(watch.state).toBe('watching');
    expect(fs.open).toHaveLength(1);
  });

  it.each<[string, (watch: DirectoryWatchSubscription) => Promise<void>]>([
    ['a check', (watch) => watch.check()],
    ['arming anew', (watch) => watch.rearm()],
  ])('is watched for by nobody any more, not by %s either', async (_, work) => {
    const { watch, onChange, onState } = await started(fs);
    await watch.unsubscribe();
    await work(watch);
    expect(fs.open).toEqual([]);
    expect(onChange).toHaveBeenCalledTimes(1);
    expect(onState).toHaveBeenCalledTimes(1);
  });

  it('while the watch is being armed leaves none behind', async () => {
    let look = () => {};
    fs.beforeStat = () => new Promise((resolve) => (look = resolve));
    const { watch, onState } = subscribe(fs);
    await turn();
    let isOver = false;
    const over = watch.unsubscribe().then(() => {
      isOver = true;
    });
    await turn();
    expect(isOver).toBe(false);
    look();
    await over;
    expect(fs.watches).toEqual([]);
    expect(onState).not.toHaveBeenCalled();
  });

  it('while the system gives the watch has that ended', async () => {
    const subscription = subscribe(fs);
    const watch = fs.watch.bind(fs);
    let over: Promise<void> | undefined;
    fs.watch = (...args) => {
      over = subscription.watch.unsubscribe();
      return watch(...args);
    };
    await subscription.watch.started;
    await over;
    expect(fs.watches).toHaveLength(1);
    expect(fs.open).toEqual([]);
    expect(subscription.onState).not.toHaveBeenCalled();
  });

  it('while it fails is not told of that', async () => {
    const subscription = subscribe(fs);
    fs.statError = systemError('EIO');
    await subscription.watch.unsubscribe();
    expect(subscription.onState).not.toHaveBeenCalled();
  });

  it('while an event of the directory is looked into has no watch armed', async () => {
    const { watch } = await started(fs);
    fs.identity = { ...fs.identity, ino: 2 };
    fs.open[0]?.tell('tokens');
    await watch.unsubscribe();
    await turn();
    expect(fs.open).toEqual([]);
  });
});
