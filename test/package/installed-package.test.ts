import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InstalledProject, packageManifest } from '../helpers/installed-project.js';

const { exports: exported, peerDependenciesMeta, version } = await packageManifest();
const subpaths = Object.keys(exported)
  .filter((path) => path !== './package.json')
  .map((path) => path.slice(1));
const optionalPeers = Object.keys(peerDependenciesMeta);

let bare: InstalledProject;
let withPeers: InstalledProject;

beforeAll(async () => {
  [bare, withPeers] = await Promise.all([InstalledProject.create('module'), InstalledProject.create('commonjs')]);
  await withPeers.link(...optionalPeers);
}, 300_000);

afterAll(() => Promise.all([bare?.remove(), withPeers?.remove()]));

// A token of no value: nobody's key has signed it.
const A_TOKEN = [{ alg: 'RS256' }, { aud: ['vault'], exp: 4102444800 }, 'signature']
  .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  .join('.');

const FIRST_TOKEN = `
  const provider = await ProjectedTokenProvider.open({ path: 'token-file', audience: 'vault' });
  console.log((await provider.getToken()).length);
  await provider.close();
`;

describe('a project with nothing but the package', () => {
  it('reads a token with import', async () => {
    await bare.write('token-file', A_TOKEN);
    const source = `import { ProjectedTokenProvider } from 'projected-token';${FIRST_TOKEN}`;
    const output = await bare.program('mjs', source);
    expect(output).toEqual({ exitCode: 0, stdout: `${A_TOKEN.length}\n`, stderr: '' });
  });

  it('reads a token with require, and Node prints no warning', async () => {
    await bare.write('token-file', A_TOKEN);
    const source = `const { ProjectedTokenProvider } = require('projected-token');(async () => {${FIRST_TOKEN}})();`;
    const output = await bare.program('cjs', source);
    expect(output).toEqual({ exitCode: 0, stdout: `${A_TOKEN.length}\n`, stderr: '' });
  });

  it('has the command line', async () => {
    const output = await bare.run('node_modules/.bin/projected-token', ['--version']);
    expect(output).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each(subpaths)('loads projected-token%s, or is told which optional package it needs', async (subpath) => {
    for (const [extension, load] of [
      ['mjs', `await import('projected-token${subpath}')`],
      ['cjs', `require('projected-token${subpath}')`],
    ] as const) {
      const { exitCode, stderr } = await bare.program(extension, load);
      if (exitCode === 0) continue;
      const missing = /Cannot find (?:package|module) '([^']+)'/.exec(stderr)?.[1];
      expect(optionalPeers, stderr).toContain(missing);
    }
  });

  it.each(['', '/fetch', '/testing'])('loads projected-token%s', async (subpath) => {
    const output = await bare.program('mjs', `await import('projected-token${subpath}')`);
    expect(output).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });
});

describe('a project with the optional packages', () => {
  it.each(subpaths)(
    'gets the same from import and require of projected-token%s, without a warning',
    async (subpath) => {
      const names = 'console.log(Object.keys(loaded).filter((name) => name !== "default").sort().join())';
      const specifier = `projected-token${subpath}`;
      const imported = await withPeers.program('mjs', `import * as loaded from '${specifier}';${names}`);
      const required = await withPeers.program('cjs', `const loaded = require('${specifier}');${names}`);
      expect(imported).toEqual({ exitCode: 0, stdout: expect.stringMatching(/\w/), stderr: '' });
      expect(required).toEqual(imported);
    },
  );

  // What a subpath throws must be an instance of the class that the core exports.
  const ACROSS_SUBPATHS = `
    try {
      withToken(fetch, { getToken: async () => 'token', replaceToken: async () => undefined }, { origins: [] });
    } catch (error) {
      console.log(error instanceof ProjectedTokenError, error.code);
    }
  `;

  it('knows the errors of a subpath as those of the core, with import', async () => {
    const imports = `import { ProjectedTokenError } from 'projected-token'; import { withToken } from 'projected-token/fetch';`;
    const output = await withPeers.program('mjs', imports + ACROSS_SUBPATHS);
    expect(output).toEqual({ exitCode: 0, stdout: expect.stringMatching(/^true ERR_TOKEN_\w+\n$/), stderr: '' });
  });

  it('knows the errors of a subpath as those of the core, with require', async () => {
    const requires = `const { ProjectedTokenError } = require('projected-token'); const { withToken } = require('projected-token/fetch');`;
    const output = await withPeers.program('cjs', requires + ACROSS_SUBPATHS);
    expect(output).toEqual({ exitCode: 0, stdout: expect.stringMatching(/^true ERR_TOKEN_\w+\n$/), stderr: '' });
  });
});

describe('require', () => {
  // What Jest and Yarn PnP cannot require, ES modules, is seen by a Node that cannot either. One peer is an ES module only.
  it.each(subpaths.filter((subpath) => subpath !== '/kubernetes'))(
    'loads projected-token%s where ES modules cannot be required',
    async (subpath) => {
      const nodeOptions = ['--no-experimental-require-module'];
      const output = await withPeers.program('cjs', `require('projected-token${subpath}')`, nodeOptions);
      expect(output).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    },
  );

  it('of the core loads few files, and chokidar with the first watch', async () => {
    await withPeers.write('token-file', A_TOKEN);
    const source = `
      const loaded = () => Object.keys(require.cache).map((file) => file.split('/node_modules/')[1]).filter(Boolean);
      const { ProjectedTokenProvider } = require('projected-token');
      const atStart = loaded();
      (async () => {
        const provider = await ProjectedTokenProvider.open({ path: 'token-file' });
        console.log(JSON.stringify({ atStart, later: loaded().slice(atStart.length), watching: provider.status.watching }));
        await provider.close();
      })();
    `;
    const { stdout, stderr } = await withPeers.program('cjs', source);
    expect(stderr).toBe('');
    const { atStart, later, watching } = JSON.parse(stdout);
    expect(atStart.filter((file: string) => file.startsWith('projected-token/')).length).toBeLessThanOrEqual(4);
    expect(atStart.filter((file: string) => !/^(projected-token|eventemitter3)\//.test(file))).toEqual([]);
    expect({ later, watching }).toEqual({
      later: ['projected-token/dist/cjs/vendor/chokidar.js'],
      watching: 'events',
    });
  });
});

describe('import of the core', () => {
  // Writes the URL of every module that is loaded.
  const TRACE = `data:text/javascript,${encodeURIComponent(`
    import { register } from 'node:module';
    register('data:text/javascript,' + encodeURIComponent(\`
      import { writeSync } from 'node:fs';
      export async function load(url, context, nextLoad) {
        writeSync(1, url + '\\\\n');
        return nextLoad(url, context);
      }
    \`));
  `)}`;

  it('loads no HTTP client, no cloud, no chokidar, and of jose only what decodes', async () => {
    // DEP0205: newer lines of Node have registerHooks, which Node 20 has not.
    const trace = ['--disable-warning=DEP0205', '--import', TRACE];
    const { stdout, stderr } = await withPeers.program('mjs', `import 'projected-token'`, trace);
    expect(stderr).toBe('');
    const files = stdout.split('\n').flatMap((url) => url.split('/node_modules/')[1] ?? []);
    const packages = new Set(files.map((file) => file.split('/')[0]));
    expect([...packages].sort()).toEqual(['eventemitter3', 'jose', 'projected-token']);
    // Each file costs a start: see build/bundle.ts.
    expect(files.filter((file) => file.startsWith('projected-token/')).length).toBeLessThanOrEqual(3);
    expect(files).toContain('jose/dist/webapi/util/decode_jwt.js');
    expect(files.filter((file) => /^jose.*(index|sign|verify|encrypt|jwk|jws|jwe)/.test(file))).toEqual([]);
  });
});
