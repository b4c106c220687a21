// What a user's own tests look like with node:test and its fake timers; test/testing/node-test runs them.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { createFsFromVolume, Volume } from 'memfs';
import { ProjectedTokenProvider, type TokenFileSystem } from 'projected-token';
import { mintToken, TokenVolume } from 'projected-token/testing';
import { nextEvent } from './provider-events.js';

const SECOND = 1000;

let fs: ReturnType<typeof createFsFromVolume>;
let volume: TokenVolume;
let provider: ProjectedTokenProvider;

beforeEach(async () => {
  mock.timers.enable({ apis: ['Date', 'setTimeout'], now: Date.parse('2026-03-01T12:00:00Z') });
  fs = createFsFromVolume(new Volume());
  volume = new TokenVolume({ directory: '/tokens', fs });
  volume.write(await mintToken({ expiresInSeconds: 600 }));
});

afterEach(async () => {
  await provider.close();
  mock.timers.reset();
});

test('a rotation arrives at once', async () => {
  provider = await ProjectedTokenProvider.open({ path: volume.path, fs });
  const rotated = nextEvent(provider, 'rotated');
  volume.write(await mintToken({ expiresInSeconds: 600 }));
  await rotated;
  assert.equal(await provider.getToken(), volume.content);
});

test('a rotation that no event tells is found by the poll', async () => {
  const deaf = { promises: fs.promises, watch: () => ({ on() {}, close() {} }) } as unknown as TokenFileSystem;
  provider = await ProjectedTokenProvider.open({ path: volume.path, fs: deaf });
  const rotated = nextEvent(provider, 'rotated');
  volume.write(await mintToken({ expiresInSeconds: 600 }));
  mock.timers.tick(10 * SECOND);
  await rotated;
  assert.equal(await provider.getToken(), volume.content);
});

test('a token that is not replaced is overdue, and expires', async () => {
  provider = await ProjectedTokenProvider.open({ path: volume.path, fs });
  const overdue = nextEvent(provider, 'overdue');
  mock.timers.tick(570 * SECOND);
  await overdue;
  const expired = nextEvent(provider, 'expired');
  mock.timers.tick(20 * SECOND);
  await expired;
  await assert.rejects(provider.getToken(), { code: 'ERR_TOKEN_EXPIRED' });
});
