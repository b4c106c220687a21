import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { cruiseImports } from './cruise-imports.js';

/** Files that exist in every source tree of these tests, with nothing in them. */
const EMPTY = [
  'errors',
  'token-source',
  'internal/http',
  'token/a',
  'volume/a',
  'carry/a',
  'fetch/a',
  'axios/a',
  'vault/a',
];

/** Names the rules that a source tree breaks: files by their path in src/ and what stands in them. */
async function brokenRules(files: Record<string, string>): Promise<string[]> {
  const directory = mkdtempSync(join(tmpdir(), 'import-rules-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  };
  const peerDependencies = { axios: '*', got: '*' };
  const devDependencies = { ...peerDependencies, express: '*' };
  write('package.json', JSON.stringify({ dependencies: { jose: '*' }, peerDependencies, devDependencies }));
  for (const library of ['jose', ...Object.keys(devDependencies)]) {
    write(`node_modules/${library}/package.json`, JSON.stringify({ name: library, main: 'index.js' }));
    write(`node_modules/${library}/index.js`, '');
  }
  for (const path of ['test/helper', 'bench/figure', ...EMPTY.map((path) => `src/${path}`)]) write(`${path}.ts`, '');
  for (const [path, text] of Object.entries(files)) write(`src/${path}.ts`, text);
  const { summary } = await cruiseImports(directory);
  return [...new Set(summary.violations.map(({ rule }) => rule.name))].sort();
}

describe('the import rules', () => {
  it('allow what points downward, and a library in its own room', async () => {
    expect(
      await brokenRules({
        'token/parse': "import 'jose';",
        'volume/read': "import '../token/a.js'; import type {} from '../errors.js';",
        'axios/with-token': "import axios from 'axios'; import '../carry/a.js'; import '../fetch/a.js';",
        index: "import './volume/read.js';",
      }),
    ).toEqual([]);
  });

  it.each<[string, string[], Record<string, string>]>([
    ['a circle', ['no-circle'], { 'token/b': "import './c.js';", 'token/c': "import './b.js';" }],
    [
      'a circle of types',
      ['no-circle'],
      { 'token/b': "import type { C } from './c.js';", 'token/c': "import type { B } from './b.js';" },
    ],
    ['an import of a higher room', ['imports-of-token'], { 'token/b': "import '../volume/a.js';" }],
    ['a type of a higher room', ['imports-of-token'], { 'token/b': "import type { A } from '../volume/a.js';" }],
    ['a dynamic import of a higher room', ['imports-of-token'], { 'token/b': "await import('../volume/a.js');" }],
    ['an import of another client', ['imports-of-fetch'], { 'fetch/b': "import '../axios/a.js';" }],
    ['an import of Vault by the policy of clients', ['imports-of-carry'], { 'carry/b': "import '../vault/a.js';" }],
    ['an import of the volume by a client', ['imports-of-axios'], { 'axios/b': "import '../volume/a.js';" }],
    ['an import of the test kit', ['imports-of-vault'], { 'vault/b': "import '../testing/a.js';", 'testing/a': '' }],
    ['a room that is not listed', ['every-room-is-listed'], { 'oracle/a': "import '../errors.js';" }],
    [
      'an HTTP client in the core, by a detour',
      ['core-knows-no-client'],
      {
        index: "import './volume/b.js';",
        'volume/b': "import '../internal/http.js';",
        'internal/http': "import { request } from 'node:http';",
      },
    ],
    ["another client's library", ['got-in-its-room'], { 'axios/b': "import 'got';" }],
    ['a development dependency', ['what-users-install'], { 'verify/a': "import express from 'express';" }],
    ['an import of the tests', ['src-stands-alone'], { 'token/b': "import '../../test/helper.js';" }],
    ['an import of the benchmarks', ['src-stands-alone'], { 'token/b': "import '../../bench/figure.js';" }],
  ])('reject %s', async (_, rules, files) => {
    expect(await brokenRules(files)).toEqual(rules);
  });
});
