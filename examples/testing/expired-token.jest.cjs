const { createFsFromVolume, Volume } = require('memfs');
const { ProjectedTokenProvider } = require('projected-token');
const { mintToken, TokenVolume } = require('projected-token/testing');

test('an expired token is never handed out', async () => {
  const fs = createFsFromVolume(new Volume());
  const volume = new TokenVolume({ directory: '/var/run/secrets/tokens', fs });
  volume.write(await mintToken({ audience: 'vault', expiresInSeconds: 600 }));
  const provider = await ProjectedTokenProvider.open({ audience: 'vault', fs });

  // memfs answers by these.
  jest.useFakeTimers({ now: Date.now() + 600_000, doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  await expect(provider.getToken()).rejects.toMatchObject({ code: 'ERR_TOKEN_EXPIRED' });

  volume.write(await mintToken({ audience: 'vault' }));
  expect(await provider.getToken()).toBe(volume.content);

  jest.useRealTimers();
  await provider.close();
});
