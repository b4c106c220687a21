import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFsFromVolume, Volume } from 'memfs';
import { ProjectedTokenProvider } from 'projected-token';
import { mintToken, TokenVolume } from 'projected-token/testing';

test('an expired token is never handed out', async ({ mock }) => {
  const fs = createFsFromVolume(new Volume());
  const volume = new TokenVolume({ directory: '/var/run/secrets/tokens', fs });
  volume.write(await mintToken({ audience: 'vault', expiresInSeconds: 600 }));
  const provider = await ProjectedTokenProvider.open({ audience: 'vault', fs });

  mock.timers.enable({ apis: ['Date', 'setTimeout'], now: Date.now() + 600_000 });
  await assert.rejects(provider.getToken(), { code: 'ERR_TOKEN_EXPIRED' });

  volume.write(await mintToken({ audience: 'vault' }));
  assert.equal(await provider.getToken(), volume.content);

  mock.timers.reset();
  await provider.close();
});
