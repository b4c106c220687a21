import { defineConfig } from 'tsup';
import packageJson from './package.json' with { type: 'json' };

// The path a user imports is the path where the module lives: "./fetch" of package.json's exports is src/fetch/index.ts
// and becomes dist/fetch/index.
const subpaths = Object.keys(packageJson.exports)
  .filter((path) => path !== '.' && path !== './package.json')
  .map((path) => path.slice('./'.length));

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
});
