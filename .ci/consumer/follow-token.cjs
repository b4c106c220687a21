const assert = require('node:assert/strict');
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

/** Longer than a loaded machine needs for an event of the system; the poll comes later still. */
const EVENT_TIMEOUT_MS = 15_000;
const POLL_INTERVAL_MS = 60_000;

/** Opens a provider on a real directory, follows rotations by the events of the system, and meets a missing file. */
exports.followToken = async function followToken(load) {
  const parent = mkdtempSync(join(tmpdir(), 'projected-token-consumer-'));
  try {
    await followRotations(load, parent);
    await meetMissingFile(load, parent);
  } finally {
    rmSync(parent, { recursive: true });
  }
};

async function followRotations(load, parent) {
  const { ProjectedTokenProvider } = await load('projected-token');
  const { TokenVolume, mintToken } = await load('projected-token/testing');
  const volume = TokenVolume.temporary(parent);
  volume.write(await mintToken());
  const provider = new ProjectedTokenProvider({
    path: volume.path,
    audience: 'vault',
    pollIntervalMs: POLL_INTERVAL_MS,
  });
  const degradations = degradationsOf(provider);
  await provider.start();
  assert.equal(provider.status.state, 'ready');
  assert.equal(provider.status.watching, 'events');

  for (let rotation = 1; rotation <= 3; rotation++) {
    const rotated = nextEvent(provider, 'rotated');
    const token = await mintToken();
    volume.write(token);
    await rotated;
    assert.equal(await provider.getToken(), token);
  }
  assert.deepEqual(degradations, []);
  await provider.close();
}

async function meetMissingFile(load, parent) {
  const { ProjectedTokenProvider } = await load('projected-token');
  const provider = new ProjectedTokenProvider({ path: join(parent, 'nowhere', 'token'), readyTimeoutMs: 300 });
  const degradations = degradationsOf(provider);
  await assert.rejects(provider.start(), { code: 'ERR_TOKEN_NOT_FOUND' });
  assert.deepEqual(degradations, []);
  await provider.close();
}

/** The reasons of all events `degraded`, as they come. */
function degradationsOf(provider) {
  const reasons = [];
  provider.on('degraded', ({ reason }) => reasons.push(reason));
  return reasons;
}

function nextEvent(provider, name) {
  return new Promise((resolve, reject) => {
    const tooLate = () => reject(new Error(`No event "${name}" in ${EVENT_TIMEOUT_MS} ms.`));
    const timer = setTimeout(tooLate, EVENT_TIMEOUT_MS);
    provider.once(name, () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
