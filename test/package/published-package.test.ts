import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { beforeAll, describe, expect, it } from 'vitest';
import { type BuiltPackage, builtPackage, REPOSITORY } from '../helpers/built-package.js';

const run = promisify(execFile);

let built: BuiltPackage;

beforeAll(async () => {
  built = await builtPackage();
}, 120_000);

describe('the published package', () => {
  it('holds what a user needs and nothing else', async () => {
    const { stdout } = await run('tar', ['-tzf', built.tarball]);
    const files = stdout.trim().split('\n').sort();
    expect(files).toContain('package/dist/index.js');
    const beside = files.filter((file) => !file.startsWith('package/dist/'));
    expect(beside).toEqual(['package/CHANGELOG.md', 'package/LICENSE', 'package/README.md', 'package/package.json']);
    const strangers = files.filter((file) => /dist\/.*(?<!\.(js|cjs|d\.ts|d\.cts|map))$/.test(file));
    expect(strangers).toEqual([]);
  });

  it('has no fault that publint knows of', async () => {
    const tarball = await readFile(built.tarball);
    const { messages } = await publint({
      strict: true,
      pack: { tarball: tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.byteLength) },
    });
    const manifest = JSON.parse(await readFile(join(built.directory, 'package.json'), 'utf8'));
    expect(messages.map((message) => formatMessage(message, manifest, { color: false }))).toEqual([]);
  });

  it('resolves to the right types for every way to resolve a module', { timeout: 120_000 }, async () => {
    const attw = join(REPOSITORY, 'node_modules', '@arethetypeswrong', 'cli', 'dist', 'index.js');
    const args = [attw, built.tarball, '--profile', 'strict', '--format', 'json'];
    const { stdout } = await run(process.execPath, args).catch((error) => error);
    expect(Object.values(JSON.parse(stdout).problems).flat()).toEqual([]);
  });
});
