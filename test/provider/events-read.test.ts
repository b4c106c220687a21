import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ProjectedTokenProvider } from 'projected-token';
import { mintToken, TokenVolume } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inUse, nextEvent } from '../helpers/provider-events.js';

// Directory events alone.
const EVENTS_ONLY = { pollIntervalMs: 2 ** 31 - 1 };

let parent: string;
let directory: string;
let provider: ProjectedTokenProvider;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'events-'));
  directory = join(parent, 'tokens');
});
afterEach(async () => {
  await provider.close();
  rmSync(parent, { recursive: true });
});

const eventReads = () => provider.status.counts.reads.event;

/** Reads that a hundred changes lead to, each of which could be read before the next. */
async function readsFor(change: () => void, rotate: () => Promise<void>): Promise<number> {
  await rotate();
  const before = eventReads();
  for (let time = 0; time < 100; time++) {
    change();
    await pause(3);
  }
  // What a neighbour did has been told when this rotation has been.
  await rotate();
  return eventReads() - before;
}

describe('a busy neighbour of the token', () => {
  it.each<[string, (directory: string) => void]>([
    ['that is written to', (directory) => writeFileSync(join(directory, 'log'), 'line\n', { flag: 'a' })],
    [
      'that is replaced',
      (directory) => {
        writeFileSync(join(directory, 'log.new'), '');
        renameSync(join(directory, 'log.new'), join(directory, 'log'));
      },
    ],
  ])('%s leads to no read of a projected volume', async (_, touch) => {
    const volume = new TokenVolume({ directory });
    volume.write(await mintToken());
    provider = await ProjectedTokenProvider.open({ path: volume.path, ...EVENTS_ONLY });
    const rotate = async () => {
      const token = await mintToken();
      volume.write(token);
      await inUse(provider, token);
    };
    const reads = await readsFor(() => touch(directory), rotate);
    // Those of the rotation itself, before and after.
    expect(reads).toBeLessThan(8);
  });

  it('leads to no read of a regular file', async () => {
    mkdirSync(directory);
    const path = join(directory, 'token');
    writeFileSync(path, await mintToken());
    provider = await ProjectedTokenProvider.open({ path, ...EVENTS_ONLY });
    const rotate = async () => {
      const token = await mintToken();
      writeFileSync(join(directory, 'token.new'), token);
      renameSync(join(directory, 'token.new'), path);
      await inUse(provider, token);
    };
    const reads = await readsFor(() => writeFileSync(join(directory, 'log'), 'line\n', { flag: 'a' }), rotate);
    expect(reads).toBeLessThan(8);
  });
});

describe('while there is no token', () => {
  it('any change of the directory leads to a look', async () => {
    mkdirSync(directory);
    provider = await ProjectedTokenProvider.open({ path: directory, waitForToken: false, ...EVENTS_ONLY });
    await expect.poll(() => provider.status.watching).toBe('events');
    const recovered = nextEvent(provider, 'recovered');
    const token = await mintToken();
    writeFileSync(join(directory, '.incoming'), token);
    renameSync(join(directory, '.incoming'), join(directory, 'whatever-name'));
    expect((await recovered).current.value).toBe(token);
  });
});
