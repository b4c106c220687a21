import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { REPOSITORY } from '../helpers/built-package.js';
import { VaultScene } from '../helpers/vault-scene.js';

it('A provider that nobody closes does not keep its process alive', async () => {
  const scene = await VaultScene.start();
  onTestFinished(() => scene.close());
  const program = ['--import', 'tsx', 'test/helpers/forgetful-vault-main.ts'];
  const args = [...program, scene.vault.origin, 'app', scene.source.current];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: REPOSITORY, timeout: 20_000 });
  expect(stdout).toBe('ready\n');
});
