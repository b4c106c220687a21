import { tmpdir } from 'node:os';
import { BoundToken } from 'projected-token';
import { TokenVolume } from 'projected-token/testing';
import { afterEach, expect, it } from 'vitest';
import { ExampleService } from '../helpers/example-process.js';
import { VaultScene } from '../helpers/vault-scene.js';

let scene: VaultScene;

afterEach(() => scene.close());

const fingerprint = (token: string) => BoundToken.parse(token).fingerprint;

it.each(['vault-fetch', 'vault-axios', 'node-vault'])(
  'the example %s reads a secret through a rotation and a revocation',
  async (name) => {
    scene = await VaultScene.start();
    using volume = TokenVolume.temporary(tmpdir());
    volume.write(scene.source.current);
    const first = fingerprint(scene.source.current);
    const environment = { TOKEN_PATH: volume.path, VAULT_ADDR: scene.vault.origin, VAULT_ROLE: 'app' };
    await using example = await ExampleService.start(name, environment, /^200 password$/m);

    const rotated = await scene.rotate();
    volume.write(rotated);
    await expect.poll(() => example.output, { timeout: 20_000 }).toContain(`Rotated: token ${fingerprint(rotated)}`);
    scene.vault.revokeTokens();
    await expect.poll(() => example.output, { timeout: 20_000 }).toMatch(/Logged in again\n(200 password\n)+/);

    expect(await example.stop()).toBe(0);
    expect(scene.vault.logins).toEqual(
      [first, fingerprint(rotated)].map((fingerprint) => ({ fingerprint, outcome: 'granted' })),
    );
    expect(example.output).toMatch(
      /^(200 password\n)+Rotated: .+\n(200 password\n)*Logged in again\n(200 password\n)+$/,
    );
  },
);

it('the example vault-fetch revokes its Vault token when it ends', async () => {
  scene = await VaultScene.start();
  using volume = TokenVolume.temporary(tmpdir());
  volume.write(scene.source.current);
  const environment = { TOKEN_PATH: volume.path, VAULT_ADDR: scene.vault.origin, VAULT_ROLE: 'app' };
  const example = await ExampleService.start('vault-fetch', environment, /^200 password$/m);
  expect(scene.vault.validTokens).toBe(1);
  expect(await example.stop()).toBe(0);
  expect(scene.vault.validTokens).toBe(0);
});
