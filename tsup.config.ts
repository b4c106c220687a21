import { readFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { defineConfig, type Options } from 'tsup';
import packageJson from './package.json' with { type: 'json' };

type EsbuildPlugin = NonNullable<Options['esbuildPlugins']>[number];

// What a user imports: "./fetch" of package.json's exports is src/fetch/index.ts and becomes dist/fetch.js.
const entries: Record<string, string> = Object.fromEntries(
  Object.keys(packageJson.exports)
    .filter((path) => path !== './package.json')
    .map((path) => (path === '.' ? ['index', 'src/index.ts'] : [path.slice(2), `src/${path.slice(2)}/index.ts`])),
);

// npm packs files of one base name side by side, and gzip finds again what it saw within 32 kB. An ES module and the CommonJS file
// that build/ makes of it then take little more than one of them, if both are smaller than that. These modules are cut out of larger
// chunks; the files of their own that they become are thrown away.
const CUT_OUT_OF_CORE = 'src/volume/volume-follower.ts';
const CUT_OUT = ['src/testing/vault/embedded-vault.ts', 'src/testing/kubernetes/embedded-api-server.ts'];
const cutOut = Object.fromEntries(
  [CUT_OUT_OF_CORE, ...CUT_OUT].map((path) => [join('cut-out', basename(path, '.ts')), path]),
);

// Modules that are imported when they are needed.
const LAZY = ['src/verify/prove-signature.ts'];

// Modules that the same entries reach become one chunk, and every file more costs each start of a program most of a millisecond.
// So entries are made to reach more than they use: all of the core, beside which they stand in most programs. The core is then two
// chunks of like size instead of a dozen. What is imported for that has no side effects: the output is the same but for where it is.
const REACHED = new Map<string, readonly string[]>([
  ...[...Object.values(entries), 'src/cli/main.ts', ...CUT_OUT, ...LAZY].map(
    (path) => [path, ['src/index.ts']] as const,
  ),
  [CUT_OUT_OF_CORE, ['src/token/bound-token.ts']],
]);
const reachMore: EsbuildPlugin = {
  name: 'reach-more',
  setup(build) {
    build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const reached = REACHED.get(relative('', path));
      if (reached === undefined) return undefined;
      const imports = reached.map((other) => `import ${JSON.stringify(resolve(other))};\n`);
      return { contents: [await readFile(path, 'utf8'), ...imports].join('\n'), loader: 'ts' };
    });
  },
};

// The ES modules and the types. build/ makes CommonJS of them.
export default defineConfig({
  entry: { ...entries, cli: 'src/cli/main.ts', ...cutOut },
  dts: { entry: entries },
  format: 'esm',
  platform: 'node',
  target: 'node20',
  clean: true,
  removeNodeProtocol: false,
  skipNodeModulesBundle: true,
  // One copy of every shared class, so that `error instanceof TokenExpiredError` holds across subpaths.
  splitting: true,
  // For the names of chunks.
  metafile: true,
  esbuildPlugins: [reachMore],
  esbuildOptions(options) {
    options.chunkNames = 'chunks/[name]-[hash]';
    // The imports that `reachMore` adds are there to be ignored.
    options.logOverride = { 'ignored-bare-import': 'silent' };
  },
});
