import { readdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Metafile, transform } from 'esbuild';

export const TARGET = 'node20';

/** An ES module of the package. */
export interface Module {
  /** Path in the package's directory, such as `fetch.js` or `chunks/carry-token-carriage.js`. */
  readonly name: string;
  readonly code: string;
}

/** Takes away the ES modules that tsup has written, and returns those that the package has, as it has them. */
export async function takeModules(directory: string): Promise<Module[]> {
  const metafile = join(directory, 'metafile-esm.json');
  const names = chunkNames(JSON.parse(await readFile(metafile, 'utf8')));
  const written = (await readdir(directory, { recursive: true })).filter((name) => name.endsWith('.js'));
  const modules = await Promise.all(
    written
      .filter((name) => !name.startsWith('cut-out/'))
      .map(async (name) => {
        const code = await readFile(join(directory, name), 'utf8');
        const print = name === 'cli.js' ? shorten : tidy;
        return { name: rename(name, names), code: await print(rename(code, names)) };
      }),
  );
  for (const taken of [metafile, ...written.map((name) => join(directory, name)), join(directory, 'cut-out')]) {
    await rm(taken, { recursive: true });
  }
  return modules.sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** Prints a module anew without comments, which are a tenth of the package and can be read in the sources; and without imports that import nothing. */
async function tidy(code: string): Promise<string> {
  const compact = await transform(code, { target: TARGET, minifyWhitespace: true });
  const printed = await transform(compact.code, { target: TARGET, format: 'esm' });
  return printed.code.replace(/^import "\.[^"]+";\n/gm, '');
}

/** Prints a program that nobody steps through, as short as it can be. */
async function shorten(code: string): Promise<string> {
  return (await transform(code, { target: TARGET, format: 'esm', minify: true })).code;
}

/** Calls a chunk after the largest module in it: esbuild's names change with every byte, and say nothing in a stack trace. */
function chunkNames({ outputs }: Metafile): Map<string, string> {
  const names = new Map<string, string>();
  for (const [path, { inputs }] of Object.entries(outputs)) {
    if (!path.includes('/chunks/')) continue;
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
