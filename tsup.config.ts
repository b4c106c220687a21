import { readdirSync } from 'node:fs';
import { defineConfig } from 'tsup';

// The path a user imports is the path where the module lives: every folder of src with an index.ts that
// package.json exports becomes dist/<folder>/index.
import packageJson from './package.json' with { type: 'json' };

const folders = readdirSync('src', { withFileTypes: true }).filter((entry) => entry.isDirectory());
const subpaths = folders.map((entry) => entry.name).filter((name) => `./${name}` in packageJson.exports);

export default defineConfig({
  entry: Object.fromEntries([
    ['index', 'src/index.ts'],
    ['cli/main', 'src/cli/main.ts'],
    ...subpaths.map((name) => [`${name}/index`, `src/${name}/index.ts`]),
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
