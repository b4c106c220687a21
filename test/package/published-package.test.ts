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
}, 300_000);

/** A dependency bundled by mistake would not fit, nor would CommonJS files far from their ES modules: see build/bundle.ts. */
const MAX_TARBALL_BYTES = 200_000;

describe('the published package', () => {
  it('holds what a user needs and nothing else', async () => {
    const { stdout } = await run('tar', ['-tzf', built.tarball]);
    const files = stdout.trim().split('\n').sort();
    expect(files).toContain('package/dist/index.js');
    const beside = files.filter((file) => !file.startsWith('package/dist/'));
    expect(beside).toEqual(['package/LICENSE', 'package/README.md', 'package/package.json']);
    const strangers = files.filter((file) => /dist\/.*(?<!\.(js|d\.ts))$/.test(file));
    expect(strangers).toEqual(['package/dist/cjs/package.json', 'package/dist/cjs/vendor/LICENSES.txt']);
    // The command line is a program: nobody imports it.
    expect(files.filter((file) => /\bcli\b/.test(file))).toEqual(['package/dist/cli.js']);
  });

  it('is small', async () => {
    expect((await stat(built.tarball)).size).toBeLessThan(MAX_TARBALL_BYTES);
  });

  it('holds nothing of package.json but its version', async () => {
    const program = await readFile(join(built.directory, 'dist', 'cli.js'), 'utf8');
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
    const directory = join(built.directory, 'dist', 'cjs');
    const names = (await readdir(directory, { recursive: true })).filter((name) => name.endsWith('.js'));
    const texts = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
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

  it('are CommonJS for Node, and free of side effects for bundlers', async () => {
    const manifest = await readFile(join(built.directory, 'dist', 'cjs', 'package.json'), 'utf8');
    expect(JSON.parse(manifest)).toEqual({ type: 'commonjs', sideEffects: false });
  });

  // So that `instanceof` holds across subpaths, and what a module remembers is remembered once.
  it('have one copy of each class', () => {
    const classes = [...files.values()].flatMap((text) =>
      // Two classes of one name may have nothing else in common.
      [...text.matchAll(/^(?:var (\w+) = )?class (\w*)[^{]*\{.{80}/gms)].map(
        ([start, variable, name]) => `${variable ?? name} ${start}`,
      ),
    );
    expect(classes.filter((name) => name.startsWith('ProjectedTokenProvider '))).toHaveLength(1);
    expect(classes.filter((name, index) => classes.indexOf(name) !== index)).toEqual([]);
    const withJose = [...files].filter(([, text]) => text.includes('"JWSSignatureVerificationFailed"'));
    expect(withJose.map(([name]) => name)).toEqual(['vendor/jose.js']);
  });

  it('come with the licenses of what they bring along', async () => {
    const text = await readFile(join(built.directory, 'dist', 'cjs', 'vendor', 'LICENSES.txt'), 'utf8');
    for (const name of ['jose', 'chokidar', 'readdirp', 'oauth4webapi']) {
      const { version } = JSON.parse(await readFile(join(REPOSITORY, 'node_modules', name, 'package.json'), 'utf8'));
      expect(text).toMatch(new RegExp(`^${name} ${version} \\(MIT\\)\\n\\n.*MIT License`, 'm'));
    }
    expect(text.match(/^Copyright/gm)).toHaveLength(4);
  });
});
