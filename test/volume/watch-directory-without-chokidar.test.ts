import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { watchDirectoryWithChokidar } from '../../src/volume/watch-directory.js';
import { inotifyWatches } from '../helpers/inotify-watches.js';

// As with Node 20 once chokidar was asked for when no descriptor was free; test/faults has that for real.
vi.mock('chokidar', () => {
  throw new Error('It cannot be loaded.');
});

it('a directory is watched although chokidar cannot be loaded', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'watch-directory-'));
  const onEvent = vi.fn();
  const stop = await watchDirectoryWithChokidar(directory, { onEvent, onSelfEvent() {}, onError() {} });
  writeFileSync(join(directory, 'file'), '');
  await expect.poll(() => onEvent.mock.calls.length).toBeGreaterThan(0);
  await stop();
  await expect.poll(inotifyWatches).toBe(0);
  rmSync(directory, { recursive: true });
});
