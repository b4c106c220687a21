import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { REPOSITORY } from '../helpers/built-package.js';

const check = (cwd: string) =>
  spawnSync(process.execPath, [join(REPOSITORY, '.ci/check-publishable.mjs')], { cwd, encoding: 'utf8' });

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'publishable-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function projectOf(manifest: object, changelog: string): Promise<void> {
  await writeFile(join(directory, 'package.json'), JSON.stringify(manifest));
  await writeFile(join(directory, 'CHANGELOG.md'), changelog);
}

const COMPLETE = {
  version: '1.2.3',
  repository: 'example/a',
  bugs: 'https://bugs.example',
  homepage: 'https://a.example',
};

it('a package that says where it comes from, and what changed, can be published', async () => {
  await projectOf(COMPLETE, '# Changelog\n\n## 1.2.3, 2027-01-31\n');
  expect(check(directory)).toMatchObject({ status: 0, stderr: '' });
});

it.each(['repository', 'bugs', 'homepage'])('a package without "%s" cannot', async (name) => {
  await projectOf({ ...COMPLETE, [name]: undefined }, '## 1.2.3, 2027-01-31\n');
  const { status, stderr } = check(directory);
  expect(stderr).toBe(
    `Not publishable: package.json has no "${name}". Set it: npm shows it, and provenance is checked against it.\n`,
  );
  expect(status).toBe(1);
});

it('a version without a dated section of the changelog cannot', async () => {
  await projectOf(COMPLETE, '## 1.2.3, not released yet\n');
  const { status, stderr } = check(directory);
  expect(stderr).toBe('Not publishable: CHANGELOG.md has no section "## 1.2.3, <date>".\n');
  expect(status).toBe(1);
});
