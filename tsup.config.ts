import { readFile } from 'node:fs/promises';
import { defineConfig, type Options } from 'tsup';
import packageJson from './package.json' with { type: 'json' };

// The path a user imports is the path where the module lives: "./fetch" of package.json's exports is src/fetch/index.ts
// and becomes dist/fetch/index.
const subpaths = Object.keys(packageJson.exports)
  .filter((path) => path !== '.' && path !== './package.json')
  .map((path) => path.slice('./'.length));

// Modules that the same entries reach become one chunk, and every file more costs each start of a program most of a
// millisecond. What wraps a client stands beside the core in any program, so it is made to reach all of it: the core is
// then in two chunks instead of nine. Not so what is of use without the core: a recipient's
// entry, the metrics and the test kit.
const WITHOUT_CORE = ['metrics', 'testing', 'verify'];
const reachesCore: NonNullable<Options['esbuildPlugins']>[number] = {
  name: 'reaches-core',
  setup(build) {
    const entries = subpaths.filter((subpath) => !WITHOUT_CORE.includes(subpath));
    const filter = new RegExp(`[/\\\\]src[/\\\\](${entries.join('|')})[/\\\\]index\\.ts$`);
    build.onLoad({ filter }, async ({ path }) => ({
      contents: `${await readFile(path, 'utf8')}\nimport '../index.js';\n`,
      loader: 'ts',
    }));
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
  esbuildPlugins: [reachesCore],
  esbuildOptions(options) {
    // The imports added above are there to be ignored.
    options.logOverride = { 'ignored-bare-import': 'silent' };
  },
});
