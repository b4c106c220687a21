import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FSWatcher } from 'chokidar';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { watchDirectoryWithChokidar } from '../../src/volume/watch-directory.js';
import { systemError } from '../helpers/faulty-file-system.js';
import { inotifyWatches } from '../helpers/inotify-watches.js';
import { turn } from '../helpers/turn.js';

// chokidar itself, whose watchers a test can make fail: real failures of a watch that works cannot be had at will.
const chokidar = vi.hoisted(() => ({ watchers: [] as FSWatcher[], failNextWith: undefined as Error | undefined }));
vi.mock('chokidar', async (importOriginal) => {
  const original = await importOriginal<typeof import('chokidar')>();
  const watch: typeof original.watch = (...args) => {
    const watcher = original.watch(...args);
    chokidar.watchers.push(watcher);
    const failure = chokidar.failNextWith;
    chokidar.failNextWith = undefined;
    // As soon as its maker listens, and before the system has answered.
    if (failure !== undefined) queueMicrotask(() => watcher.emit('error', failure));
    return watcher;
  };
  return { ...original, watch };
});

const error = systemError('EIO');
let directory: string;
let onError: ReturnType<typeof vi.fn<(error: unknown) => void>>;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'watch-directory-'));
  onError = vi.fn();
});
afterEach(() => rmSync(directory, { recursive: true }));

const watch = () => watchDirectoryWithChokidar(directory, { onEvent() {}, onSelfEvent() {}, onError });
const lastWatcher = () => chokidar.watchers.at(-1)!;

it('a watch that fails is ended, and told', async () => {
  await watch();
  expect(inotifyWatches()).toBe(1);
  lastWatcher().emit('error', error);
  expect(onError.mock.calls).toEqual([[error]]);
  await expect.poll(inotifyWatches).toBe(0);
  expect(lastWatcher().closed).toBe(true);
});

it('a watch that fails before it works is ended, and rejected', async () => {
  chokidar.failNextWith = error;
  await expect(watch()).rejects.toBe(error);
  expect(onError).not.toHaveBeenCalled();
  await expect.poll(inotifyWatches).toBe(0);
  expect(lastWatcher().closed).toBe(true);
});

it('an event costs no listing of the directory, whose outcome nobody wants, and no timer, which would keep a process alive', async () => {
  const onEvent = vi.fn();
  const stop = await watchDirectoryWithChokidar(directory, { onEvent, onSelfEvent() {}, onError });
  const listed = vi.spyOn(lastWatcher(), '_readdirp');
  const timed = vi.spyOn(globalThis, 'setTimeout');
  onTestFinished(() => timed.mockRestore());
  writeFileSync(join(directory, 'file'), '');
  // Once told, chokidar has done what it does at an event.
  while (onEvent.mock.calls.length === 0) await turn();
  expect(listed).not.toHaveBeenCalled();
  expect(timed).not.toHaveBeenCalled();
  await stop();
});
