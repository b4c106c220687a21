import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REPOSITORY } from '../helpers/built-package.js';
import { InstalledProject, packageManifest } from '../helpers/installed-project.js';

const { exports: exported, peerDependenciesMeta } = await packageManifest();
const subpaths = Object.keys(exported).filter((path) => path !== './package.json');
const tsc = join(REPOSITORY, 'node_modules', 'typescript', 'bin', 'tsc');

const STRICTEST = {
  target: 'es2023',
  lib: ['es2023', 'esnext.disposable'],
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noEmit: true,
};

let project: InstalledProject;

beforeAll(async () => {
  project = await InstalledProject.create('commonjs');
  await project.link('@types/node', 'undici-types');
}, 300_000);

afterAll(() => project?.remove());

async function compile(name: string, files: Record<string, string>, options: object): Promise<string> {
  for (const [file, source] of Object.entries(files)) await project.write(file, source);
  const configuration = { compilerOptions: { ...STRICTEST, ...options }, files: Object.keys(files) };
  await project.write(`${name}.json`, JSON.stringify(configuration));
  return (await project.run(process.execPath, [tsc, '--project', `${name}.json`])).stdout;
}

describe('the type declarations', () => {
  // TypeScript 5.0 to 7.0: `.ci/compatibility typescript`.
  it.each(['es2020', 'es2023'])(
    'are sound for a target of %s without any optional package, declarations of dependencies included',
    {
      timeout: 600_000,
    },
    async (target) => {
      const source = `import { ProjectedTokenProvider } from 'projected-token';
      import { TokenVolume } from 'projected-token/testing';
      import { withToken } from 'projected-token/fetch';
      export const used = [ProjectedTokenProvider, TokenVolume, withToken];`;
      const files = { 'alone.mts': source, 'alone.cts': source };
      const options = { module: 'nodenext', target, lib: [target], skipLibCheck: false };
      expect(await compile('alone', files, options)).toBe('');
    },
  );

  describe('with the optional packages', () => {
    beforeAll(() => project.link(...Object.keys(peerDependenciesMeta)));

    it('give a user the types of the source, as ES module and as CommonJS', { timeout: 600_000 }, async () => {
      const consumer = await readFile(join(REPOSITORY, 'test', 'types', 'consumer.ts'), 'utf8');
      const files = { 'consumer.mts': consumer, 'consumer.cts': consumer };
      expect(await compile('consumer', files, { module: 'nodenext', skipLibCheck: true })).toBe('');
    });

    it.each([
      ['nodenext', { module: 'nodenext' }],
      ['bundler', { module: 'esnext', moduleResolution: 'bundler' }],
      ['node, the older one', { module: 'commonjs', moduleResolution: 'node' }],
    ])('are found for every subpath with the module resolution %s', { timeout: 600_000 }, async (name, options) => {
      const imports = subpaths.map((path, index) => `import * as m${index} from 'projected-token${path.slice(1)}';`);
      const used = `export const used = [${subpaths.map((_, index) => `m${index}`).join()}];`;
      const file = `every-subpath-${name.split(',')[0]}.ts`;
      const source = [...imports, used].join('\n');
      expect(await compile('every-subpath', { [file]: source }, { ...options, skipLibCheck: true })).toBe('');
    });
  });
});
