import { beforeEach, describe, expect, it } from 'vitest';
import { started, subscribe } from '../helpers/directory-subscription.js';
import { systemError } from '../helpers/faulty-file-system.js';
import { ScriptedDirectory } from '../helpers/scripted-directory.js';
import { turn } from '../helpers/turn.js';

let fs: ScriptedDirectory;

beforeEach(() => {
  fs = new ScriptedDirectory();
});

describe('the watch of a directory', () => {
  it('tells that it is armed, and that there may be something new', async () => {
    const { watch, onState, onChange } = subscribe(fs);
    expect(watch).toMatchObject({ directory: '/mnt/tokens', state: 'starting', failure: undefined });
    await watch.started;
    expect(watch.state).toBe('watching');
    expect(onState.mock.calls).toEqual([['watching', undefined]]);
    expect(onChange).toHaveBeenCalledTimes(1);
    expect(fs.watched).toEqual([['/mnt/tokens', { persistent: false }]]);
  });

  it('tells every event, with the entry that it is of', async () => {
    const { onChange } = await started(fs);
    onChange.mockClear();
    const names = ['..data', 'vault-token', 'anything', '..data'];
    for (const name of names) fs.open[0]?.tell(name);
    expect(onChange.mock.calls).toEqual(names.map((name) => [name]));
  });

  it('looks at the directory for no event but one of the directory itself', async () => {
    const { onChange } = await started(fs);
    const { stats } = fs;
    fs.open[0]?.tell('..data');
    await turn();
    expect(fs.stats).toBe(stats);
    onChange.mockClear();
    // Linux names the directory, other systems nothing.
    for (const name of ['tokens', null]) {
      const { stats } = fs;
      fs.open[0]?.tell(name);
      await turn();
      expect(fs.stats).toBe(stats + 1);
    }
    expect(onChange).toHaveBeenCalledTimes(2);
    expect(fs.watches).toHaveLength(1);
  });

  it.each(['dev', 'ino', 'birthtimeMs'] as const)(
    'is armed anew when another directory (%s) took its place',
    async (part) => {
      const { onChange, onState } = await started(fs);
      onChange.mockClear();
      fs.identity = { ...fs.identity, [part]: 2 };
      fs.open[0]?.tell('tokens');
      await turn();
      expect(fs.watches.map(({ isClosed }) => isClosed)).toEqual([true, false]);
      // One for the event, one for what may have come before the watch was armed.
      expect(onChange).toHaveBeenCalledTimes(2);
      expect(onState).toHaveBeenCalledTimes(1);
    },
  );

  it('is armed on the directory that was there before it was watched: another one that came meanwhile is found', async () => {
    const watch = fs.watch.bind(fs);
    fs.watch = (...args) => {
      fs.identity = { ...fs.identity, ino: 2 };
      return watch(...args);
    };
    const subscription = await started(fs);
    await subscription.watch.check();
    expect(fs.watches.map(({ isClosed }) => isClosed)).toEqual([true, false]);
  });
});

describe('a directory that is missing', () => {
  beforeEach(() => {
    fs.statError = systemError('ENOENT');
  });

  it('at first is told, and watched once a check finds it', async () => {
    const { watch, onState, onChange } = await started(fs);
    expect(watch).toMatchObject({ state: 'missing', failure: undefined });
    expect(onState.mock.calls).toEqual([['missing', undefined]]);
    await watch.check();
    expect(onState).toHaveBeenCalledTimes(1);
    expect(onChange).not.toHaveBeenCalled();

    fs.statError = undefined;
    await watch.check();
    expect(watch.state).toBe('watching');
    expect(onState).toHaveBeenLastCalledWith('watching', undefined);
    expect(onChange).toHaveBeenCalledTimes(1);
  });

  it('later is told, and the blind watch ended', async () => {
    fs.statError = undefined;
    const { watch, onState } = await started(fs);
    fs.statError = systemError('ENOENT');
    fs.open[0]?.tell('tokens');
    await turn();
    expect(watch.state).toBe('missing');
    expect(onState).toHaveBeenLastCalledWith('missing', undefined);
    expect(fs.open).toEqual([]);
  });
});

describe('a directory that cannot be watched', () => {
  const cannot: Record<string, (error: Error | undefined) => void> = {
    'may not be examined': (error) => {
      fs.statError = error;
    },
    'gets no watch': (error) => {
      fs.watchError = error;
    },
  };

  it.each(Object.entries(cannot))(
    'because it %s is told with the reason, once, and watched when it can be',
    async (_, fail) => {
      const [first, second] = [systemError('ENOSPC'), systemError('EMFILE')];
      fail(first);
      const { watch, onState } = await started(fs);
      expect(watch).toMatchObject({ state: 'failed', failure: first });
      expect(onState.mock.calls).toEqual([['failed', first]]);

      fail(second);
      await watch.check();
      expect(onState).toHaveBeenCalledTimes(1);
      expect(watch.failure).toBe(second);

      fail(undefined);
      await watch.check();
      expect(watch).toMatchObject({ state: 'watching', failure: undefined });
      expect(onState).toHaveBeenLastCalledWith('watching', undefined);
    },
  );

  it('any more is told, and the broken watch ended', async () => {
    const { watch, onState } = await started(fs);
    const error = systemError('EIO');
    fs.open[0]?.fail(error);
    expect(watch).toMatchObject({ state: 'failed', failure: error });
    expect(onState).toHaveBeenLastCalledWith('failed', error);
    expect(fs.open).toEqual([]);
    await watch.check();
    expect(watch.state).toBe('watching');
    expect(fs.open).toHaveLength(1);
  });
});

describe('a check', () => {
  it('leaves a watch alone that sees the directory', async () => {
    const { watch, onChange } = await started(fs);
    await watch.check();
    expect(fs.watches).toHaveLength(1);
    expect(onChange).toHaveBeenCalledTimes(1);
  });

  it('is one for all who ask meanwhile', async () => {
    const { watch } = await started(fs);
    const { stats } = fs;
    await Promise.all([watch.check(), watch.check(), watch.check()]);
    expect(fs.stats).toBe(stats + 1);
    await watch.check();
    expect(fs.stats).toBe(stats + 2);
  });
});

describe('arming anew', () => {
  it('takes another watch, whatever the one before seems to be', async () => {
    const { watch, onChange, onState } = await started(fs);
    await watch.rearm();
    expect(fs.watches.map(({ isClosed }) => isClosed)).toEqual([true, false]);
    expect(onChange).toHaveBeenCalledTimes(2);
    expect(onState).toHaveBeenCalledTimes(1);
  });

  it('is not done by a check that is under way: it follows that', async () => {
    const { watch } = await started(fs);
    await Promise.all([watch.check(), watch.rearm()]);
    expect(fs.watches).toHaveLength(2);
  });

  it('once for all who ask meanwhile', async () => {
    const { watch } = await started(fs);
    await Promise.all([watch.rearm(), watch.rearm(), watch.rearm()]);
    expect(fs.watches).toHaveLength(2);
  });
});

describe('an event of the directory itself while it is examined', () => {
  it('leads to another look after that', async () => {
    const { watch } = await started(fs);
    let look = () => {};
    fs.beforeStat = () => new Promise((resolve) => (look = resolve));
    const { stats } = fs;
    const checking = watch.check();
    fs.open[0]?.tell('tokens');
    await turn();
    expect(fs.stats).toBe(stats + 1);
    fs.beforeStat = () => undefined;
    look();
    await checking;
    await turn();
    expect(fs.stats).toBe(stats + 2);
  });
});
