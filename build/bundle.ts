import { readFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { build, type Metafile, type Plugin, transform } from 'esbuild';
import { ENTRIES } from './entries.js';

export const TARGET = 'node20';

/** An ES module of the bundle. */
export interface BundledFile {
  /** Path in the bundle, such as `fetch.js` or `chunks/carry-token-carriage.js`. */
  readonly name: string;
  readonly code: string;
}

// npm packs files of one base name side by side, and gzip finds again what it saw within 32 kB. An ES module and the CommonJS file
// made of it then take little more than one of them, if both are smaller than that. These modules are cut out of larger chunks.
const CUT_OUT_OF_CORE = 'src/volume/volume-follower.ts';
const CUT_OUT = ['src/testing/vault/embedded-vault.ts', 'src/testing/kubernetes/embedded-api-server.ts'];

/** Modules that are imported when they are needed. */
const LAZY = ['src/verify/prove-signature.ts'];

// Modules that the same entries reach become one chunk, and every file more costs each start of a program most of a millisecond.
// So entries are made to reach more than they use: all of the core, beside which they stand in most programs. The core is then two
// chunks of like size instead of a dozen. What is imported for that has no side effects: the output is the same but for where it is.
const REACHED = new Map<string, readonly string[]>([
  ...[...Object.values(ENTRIES), 'src/cli/main.ts', ...CUT_OUT, ...LAZY].map(
    (path) => [path, ['src/index.ts']] as const,
  ),
  [CUT_OUT_OF_CORE, ['src/token/bound-token.ts']],
]);
const reachMore: Plugin = {
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

/**
 * Bundles the sources into ES modules that share chunks, so that `error instanceof TokenExpiredError` holds across subpaths.
 * Dependencies stay imports.
 */
export async function bundle(): Promise<BundledFile[]> {
  const cutOut = Object.fromEntries(
    [CUT_OUT_OF_CORE, ...CUT_OUT].map((path) => [join('cut-out', basename(path)), path]),
  );
  const { outputFiles, metafile } = await build({
    entryPoints: { ...ENTRIES, cli: 'src/cli/main.ts', ...cutOut },
    bundle: true,
    packages: 'external',
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: TARGET,
    plugins: [reachMore],
    outdir: 'dist',
    chunkNames: 'chunks/[name]-[hash]',
    write: false,
    metafile: true,
    logLevel: 'warning',
    // The imports that `reachMore` adds are there to be ignored.
    logOverride: { 'ignored-bare-import': 'silent' },
  });
  const names = chunkNames(metafile);
  const files = outputFiles
    .map(({ path, text }) => ({ name: relative('dist', path), code: text }))
    .filter(({ name }) => !name.startsWith('cut-out/'));
  return Promise.all(
    files.map(async ({ name, code }) => ({ name: rename(name, names), code: await tidy(rename(code, names)) })),
  );
}

/** Prints a module anew without comments, which are a tenth of the package and can be read in the sources; and without imports that import nothing. */
async function tidy(code: string): Promise<string> {
  const compact = await transform(code, { target: TARGET, minifyWhitespace: true });
  const printed = await transform(compact.code, { target: TARGET, format: 'esm' });
  return printed.code.replace(/^import "\.[^"]+";\n/gm, '');
}

/** Calls a chunk after the largest module in it: esbuild's names change with every byte, and say nothing in a stack trace. */
function chunkNames({ outputs }: Metafile): Map<string, string> {
  const names = new Map<string, string>();
  for (const [path, { inputs }] of Object.entries(outputs)) {
    if (!path.startsWith('dist/chunks/')) continue;
    const [largest] = Object.entries(inputs).sort((a, b) => b[1].bytesInOutput - a[1].bytesInOutput)[0]!;
    names.set(basename(path, '.js'), largest.replace(/^src\/|\.ts$/g, '').replaceAll('/', '-'));
  }
  return names;
}

function rename(text: string, names: ReadonlyMap<string, string>): string {
  let renamed = text;
  for (const [from, to] of names) renamed = renamed.replaceAll(`${from}.js`, `${to}.js`);
  return renamed;
}
