import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { defineConfig, type Options } from 'tsup';
import packageJson from './package.json' with { type: 'json' };

// The path a user imports is the path where the module lives: "./fetch" of package.json's exports is src/fetch/index.ts
// and becomes dist/fetch/index.
const subpaths = Object.keys(packageJson.exports)
  .filter((path) => path !== '.' && path !== './package.json')
  .map((path) => path.slice('./'.length));

// Modules that the same entries reach become one chunk, and every file more costs each start of a program most of a
// millisecond. So entries are made to reach more than they use: what wraps a client, all of the core, beside which it
// stands in any program; the test kit, what a recipient's entry uses. The core is then in two chunks instead of nine.
// What is imported for that has no side effects: the output is the same but for where it is.
const CORE = ['../provider/projected-token-provider.js'];
const REACHED: Record<string, string[]> = {
  testing: ['../token/bound-token.js', '../volume/read-token-file.js'],
  verify: [],
  metrics: [],
};
const reachMore: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'reach-more',
  setup(build) {
    build.onLoad({ filter: /[/\\]src[/\\]\w+[/\\]index\.ts$/ }, async ({ path }) => {
      const imports = (REACHED[basename(dirname(path))] ?? CORE).map((module) => `import '${module}';\n`);
      return { contents: `${await readFile(path, 'utf8')}\n${imports.join('')}`, loader: 'ts' };
    });
  },
};

export default defineConfig({
  entry: Object.fromEntries([
    ['index', 'src/index.ts'],
    ['cli/main', 'src/cli/main.ts'],
    ...subpaths.map((path) => [`${path}/index`, `src/${path}/index.ts`]),
  ]),
  format: ['esm', 'cjs'],
  target: 'node20',
  platform: 'node',
  dts: true,
  clean: true,
  // One copy of every shared class, so that `error instanceof TokenExpiredError` holds across subpaths in CommonJS too.
  splitting: true,
  sourcemap: true,
  esbuildPlugins: [reachMore],
  esbuildOptions(options) {
    // The imports added above are there to be ignored.
    options.logOverride = { 'ignored-bare-import': 'silent' };
  },
});
