import { createFsFromVolume, Volume } from 'memfs';
import { ProjectedTokenProvider } from 'projected-token';
import { mintToken, TokenVolume } from 'projected-token/testing';
import { expect, test, vi } from 'vitest';

test('an expired token is never handed out', async () => {
  const fs = createFsFromVolume(new Volume());
  const volume = new TokenVolume({ directory: '/var/run/secrets/tokens', fs });
  volume.write(await mintToken({ audience: 'vault', expiresInSeconds: 600 }));
  const provider = await ProjectedTokenProvider.open({ audience: 'vault', fs });

  vi.useFakeTimers({ now: Date.now() + 600_000 });
  await expect(provider.getToken()).rejects.toMatchObject({ code: 'ERR_TOKEN_EXPIRED' });

  volume.write(await mintToken({ audience: 'vault' }));
  expect(await provider.getToken()).toBe(volume.content);

  vi.useRealTimers();
  await provider.close();
});
