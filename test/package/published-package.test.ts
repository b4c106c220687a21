import { execFile, spawnSync } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
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

/** Room for code; source maps, or a dependency bundled by mistake, would not fit. */
const MAX_TARBALL_BYTES = 340_000;

describe('the published package', () => {
  it('holds what a user needs and nothing else', async () => {
    const { stdout } = await run('tar', ['-tzf', built.tarball]);
    const files = stdout.trim().split('\n').sort();
    expect(files).toContain('package/dist/index.js');
    const beside = files.filter((file) => !file.startsWith('package/dist/'));
    expect(beside).toEqual(['package/CHANGELOG.md', 'package/LICENSE', 'package/README.md', 'package/package.json']);
    const strangers = files.filter((file) => /dist\/.*(?<!\.(js|cjs|d\.ts|d\.cts))$/.test(file));
    expect(strangers).toEqual(['package/dist/THIRD-PARTY-LICENSES.txt']);
    // The command line is a program: nobody imports it.
    expect(files.filter((file) => file.startsWith('package/dist/cli/'))).toEqual(['package/dist/cli/main.js']);
  });

  it('is small', async () => {
    expect((await stat(built.tarball)).size).toBeLessThan(MAX_TARBALL_BYTES);
  });

  it('holds nothing of package.json but its version', async () => {
    const program = await readFile(join(built.directory, 'dist', 'cli', 'main.js'), 'utf8');
    expect(program).not.toContain('peerDependencies');
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

describe('its CommonJS files', () => {
  let files: Map<string, string>;

  beforeAll(async () => {
    const dist = join(built.directory, 'dist');
    const names = (await readdir(dist, { recursive: true })).filter((name) => name.endsWith('.cjs'));
    const texts = await Promise.all(names.map((name) => readFile(join(dist, name), 'utf8')));
    files = new Map(names.map((name, index) => [name, texts[index]!]));
  });

  // got is loaded when a time limit has passed, and its lack is borne.
  it('require nothing that is an ES module only, but for two peers that are', async () => {
    const required = [...files.values()].flatMap((text) =>
      [...text.matchAll(/\brequire\("([^".][^"]*)"\)/g)].map((match) => match[1]!),
    );
    const packages = new Set(required.filter((specifier) => !specifier.startsWith('node:')));
    expect(packages).toContain('eventemitter3');
    const onlyEsModules = [...packages].filter((specifier) => {
      const options = ['--no-experimental-require-module', '--eval', `require(${JSON.stringify(specifier)})`];
      return spawnSync(process.execPath, options, { cwd: REPOSITORY }).status !== 0;
    });
    expect(onlyEsModules.sort()).toEqual(['@kubernetes/client-node', 'got']);
  });

  // Jest runs CommonJS in a context where import() rejects.
  it('have no import()', () => {
    expect([...files].filter(([, text]) => /(?<!#)\bimport\(/.test(text)).map(([name]) => name)).toEqual([]);
  });

  it('are strict, as ES modules are', () => {
    expect([...files].filter(([, text]) => !/^(['"])use strict\1/.test(text)).map(([name]) => name)).toEqual([]);
  });

  // So that `instanceof` holds across subpaths, and what a module remembers is remembered once.
  it('have one copy of each class', () => {
    const classes = [...files.values()].flatMap((text) =>
      // Two classes of one name may have nothing else in common.
      [...text.matchAll(/^(?:var (\w+) = )?class (\w*)[^{]*\{.{80}/gms)].map(
        ([start, variable, name]) => `${variable ?? name} ${start}`,
      ),
    );
    expect(classes.filter((name) => /^(?:ProjectedTokenProvider|SignJWT) /.test(name))).toHaveLength(2);
    expect(classes.filter((name, index) => classes.indexOf(name) !== index)).toEqual([]);
  });

  it('come with the licenses of what they bring along', async () => {
    const text = await readFile(join(built.directory, 'dist', 'THIRD-PARTY-LICENSES.txt'), 'utf8');
    for (const name of ['jose', 'chokidar', 'readdirp', 'oauth4webapi']) {
      const { version } = JSON.parse(await readFile(join(REPOSITORY, 'node_modules', name, 'package.json'), 'utf8'));
      expect(text).toMatch(new RegExp(`^${name} ${version} \\(MIT\\)\\n\\n.*MIT License`, 'm'));
    }
    expect(text.match(/^Copyright/gm)).toHaveLength(4);
  });
});
