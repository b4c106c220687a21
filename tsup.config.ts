import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type TransformOptions, transform } from 'esbuild';
import { defineConfig, type Options } from 'tsup';
import packageJson from './package.json' with { type: 'json' };

type EsbuildPlugin = NonNullable<Options['esbuildPlugins']>[number];
type TsupPlugin = NonNullable<Options['plugins']>[number];

const TARGET = 'node20';

// The path a user imports is the path where the module lives: "./fetch" of package.json's exports is src/fetch/index.ts
// and becomes dist/fetch/index.
const subpaths = Object.keys(packageJson.exports)
  .filter((path) => path !== '.' && path !== './package.json')
  .map((path) => path.slice('./'.length));

const entry: Record<string, string> = Object.fromEntries([
  ['index', 'src/index.ts'],
  ...subpaths.map((path) => [`${path}/index`, `src/${path}/index.ts`]),
]);

// Modules that the same entries reach become one chunk, and every file more costs each start of a program most of a
// millisecond. So entries are made to reach more than they use: all of the core, beside which they stand in most programs. The core
// is then one chunk instead of a dozen. The metrics use nothing of it. What is imported for that has no side effects: the output is
// the same but for where it is.
const WITHOUT_CORE = ['metrics'];
const reachCore: EsbuildPlugin = {
  name: 'reach-core',
  setup(build) {
    build.onLoad({ filter: /[/\\]src[/\\]\w+[/\\](?:index|main)\.ts$/ }, async ({ path }) => {
      if (WITHOUT_CORE.includes(basename(dirname(path)))) return undefined;
      return { contents: `${await readFile(path, 'utf8')}\nimport '../index.js';\n`, loader: 'ts' };
    });
  },
};

// Dependencies that are ES modules only. A `require` of them fails in Jest, under Yarn PnP, and on a Node without require(esm), so
// the CommonJS files bring their own copy.
const BUNDLED_INTO_COMMONJS = [/^jose(\/|$)/, 'chokidar', 'readdirp', 'oauth4webapi'];

// Prints each file of the output anew without comments, which are a tenth of the package and can be read in the sources. In CommonJS,
// the files stay apart, so that there is one copy of every class and of every shared map across subpaths; and `import()` becomes a
// `require` at the same moment, because Jest runs CommonJS files where `import()` fails.
function printAs(options: TransformOptions): TsupPlugin {
  return {
    name: 'print-as',
    async renderChunk(code, { path }) {
      const compact = await transform(code, { target: TARGET, minifyWhitespace: true });
      const printed = await transform(compact.code, { ...options, target: TARGET, sourcefile: basename(path) });
      return { code: printed.code };
    },
  };
}
const asEsModules = printAs({ format: 'esm' });
const asCommonJs = printAs({
  format: 'cjs',
  platform: 'node',
  supported: { 'dynamic-import': false },
  // As ES modules are.
  banner: "'use strict';",
});

// Those who wrote what is bundled ask for their license to go with it.
const keepLicenses: EsbuildPlugin = {
  name: 'keep-licenses',
  setup(build) {
    build.onEnd(async ({ metafile }) => {
      const inputs = Object.keys(metafile!.inputs);
      const packages = new Set(
        inputs.flatMap((path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []),
      );
      const texts = await Promise.all([...packages].sort().map(licenseOf));
      const { outdir } = build.initialOptions;
      await mkdir(outdir!, { recursive: true });
      await writeFile(
        join(outdir!, 'THIRD-PARTY-LICENSES.txt'),
        `The CommonJS files (.cjs) contain code of these packages:\n\n${texts.join('\n\n')}\n`,
      );
    });
  },
};

async function licenseOf(directory: string): Promise<string> {
  const { name, version, license } = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8'));
  const text = await readFile(join(directory, 'LICENSE'), 'utf8').catch(() =>
    readFile(join(directory, 'LICENSE.md'), 'utf8'),
  );
  return `${name} ${version} (${license})\n\n${text.trim()}`;
}

const common: Options = {
  target: TARGET,
  platform: 'node',
  removeNodeProtocol: false,
  // One copy of every shared class, so that `error instanceof TokenExpiredError` holds across subpaths.
  splitting: true,
  esbuildOptions(options) {
    // The imports that `reachCore` adds are there to be ignored.
    options.logOverride = { 'ignored-bare-import': 'silent' };
  },
};

export default defineConfig(async ({ outDir = 'dist' }) => {
  // The builds below run side by side: none of them may remove what another has written.
  await rm(outDir, { recursive: true, force: true });
  return [
    {
      ...common,
      name: 'ES modules',
      entry: { ...entry, 'cli/main': 'src/cli/main.ts' },
      format: 'esm',
      esbuildPlugins: [reachCore],
      plugins: [asEsModules],
    },
    {
      ...common,
      name: 'CommonJS',
      entry,
      format: 'esm',
      outExtension: () => ({ js: '.cjs' }),
      noExternal: BUNDLED_INTO_COMMONJS,
      esbuildPlugins: [reachCore, keepLicenses],
      plugins: [asCommonJs],
    },
    { ...common, name: 'Types', entry, format: ['esm', 'cjs'], dts: { only: true } },
  ];
});
