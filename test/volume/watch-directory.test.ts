import nodeFs, { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type StopWatching,
  type WatchDirectory,
  watchDirectoryWith,
  watchDirectoryWithChokidar,
} from '../../src/volume/watch-directory.js';
import { systemError } from '../helpers/faulty-file-system.js';
import { inotifyWatches } from '../helpers/inotify-watches.js';
import { ScriptedDirectory } from '../helpers/scripted-directory.js';

const WATCHERS: [string, WatchDirectory][] = [
  ['chokidar', watchDirectoryWithChokidar],
  ['the watch of a file system', watchDirectoryWith(nodeFs)],
];

describe.each(WATCHERS)('a directory watched with %s', (_, watchDirectory) => {
  let parent: string;
  let directory: string;
  let listener: Record<'onEvent' | 'onSelfEvent' | 'onError', ReturnType<typeof vi.fn<() => void>>>;
  let stop: StopWatching;

  beforeEach(async () => {
    parent = mkdtempSync(join(tmpdir(), 'watch-directory-'));
    directory = join(parent, 'tokens');
    mkdirSync(directory);
    writeFileSync(join(directory, 'before'), '');
    listener = { onEvent: vi.fn(), onSelfEvent: vi.fn(), onError: vi.fn() };
    stop = await watchDirectory(directory, listener);
  });
  afterEach(async () => {
    await stop();
    rmSync(parent, { recursive: true });
  });

  const told = (name: 'onEvent' | 'onSelfEvent') => listener[name].mock.calls.length;

  it('tells what comes, goes and is renamed in it', async () => {
    for (const change of [
      () => writeFileSync(join(directory, 'file'), ''),
      () => renameSync(join(directory, 'file'), join(directory, 'renamed')),
      () => unlinkSync(join(directory, 'renamed')),
    ]) {
      const before = told('onEvent');
      change();
      await expect.poll(() => told('onEvent')).toBeGreaterThan(before);
    }
    expect(told('onSelfEvent')).toBe(0);
    expect(listener.onError).not.toHaveBeenCalled();
  });

  it('tells each of many changes that come at once', async () => {
    for (let index = 0; index < 50; index++) {
      writeFileSync(join(directory, 'next'), '');
      renameSync(join(directory, 'next'), join(directory, 'file'));
    }
    await expect.poll(() => told('onEvent')).toBeGreaterThanOrEqual(100);
  });

  // What chokidar leaves out unless told otherwise, as the leavings of an editor.
  it('tells what comes in a directory whatever its name', async () => {
    const backup = join(parent, 'tokens~');
    mkdirSync(backup);
    const stopBackup = await watchDirectory(backup, listener);
    writeFileSync(join(backup, 'file'), '');
    await expect.poll(() => told('onEvent')).toBeGreaterThan(0);
    await stopBackup();
  });

  it('tells that it is removed itself', async () => {
    rmSync(directory, { recursive: true });
    await expect.poll(() => told('onSelfEvent')).toBeGreaterThan(0);
    expect(told('onEvent')).toBeGreaterThanOrEqual(told('onSelfEvent'));
  });

  it('tells that it is moved away itself', async () => {
    renameSync(directory, join(parent, 'elsewhere'));
    await expect.poll(() => told('onSelfEvent')).toBeGreaterThan(0);
  });

  it('tells nothing of before, and nothing once stopped', async () => {
    expect(told('onEvent')).toBe(0);
    await stop();
    await expect.poll(inotifyWatches).toBe(0);
    writeFileSync(join(directory, 'file'), '');
    expect(told('onEvent')).toBe(0);
  });

  it('costs one watch, whatever is in it, and does not keep the process alive', () => {
    expect(inotifyWatches()).toBe(1);
    expect(process.getActiveResourcesInfo()).not.toContain('FSEventWrap');
  });

  it('is watched by a link to it, too', async () => {
    const link = join(parent, 'link');
    symlinkSync(directory, link);
    const byLink = { onEvent: vi.fn(), onSelfEvent: vi.fn(), onError: vi.fn() };
    const stopByLink = await watchDirectory(link, byLink);
    writeFileSync(join(directory, 'file'), '');
    await expect.poll(() => byLink.onEvent.mock.calls.length).toBeGreaterThan(0);
    await stopByLink();
  });
});

describe('a directory that is missing', () => {
  it('has the watch of a file system refused', async () => {
    const watching = watchDirectoryWith(nodeFs)('/nowhere/at/all', { onEvent() {}, onSelfEvent() {}, onError() {} });
    await expect(watching).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('the watch of a file system', () => {
  it('that breaks is ended and told', async () => {
    const fs = new ScriptedDirectory();
    const onError = vi.fn();
    await watchDirectoryWith(fs)('/mnt/tokens', { onEvent() {}, onSelfEvent() {}, onError });
    const error = systemError('EMFILE');
    fs.open[0]?.fail(error);
    expect(onError).toHaveBeenCalledWith(error);
    expect(fs.open).toEqual([]);
  });
});
