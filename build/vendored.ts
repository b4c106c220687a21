import { readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { build } from 'esbuild';
import { type Module, TARGET } from './modules.js';

// Dependencies that are ES modules only. A `require` of them fails in Jest, under Yarn PnP, and on a Node without require(esm), so
// the CommonJS files bring their own copy, each in a file of its own.
const VENDORED = ['jose', 'chokidar', 'oauth4webapi'];

const FROM = /^import (\{[^}]*\}) from "([^"]+)";$/gm;
const IMPORT = /\bimport\("([^"]+)"\)/g;

/** Sends the imports of vendored packages to their copies. */
export function useVendored({ name, code }: Module): Module {
  const redirect = (text: string, specifier: string) => {
    if (!isVendored(specifier)) return text;
    const path = relative(dirname(name), join('vendor', `${packageOf(specifier)}.js`));
    return text.replace(specifier, path.startsWith('.') ? path : `./${path}`);
  };
  const redirected = code
    .replace(FROM, (text, _names, specifier) => redirect(text, specifier))
    .replace(IMPORT, (text, specifier) => redirect(text, specifier));
  return { name, code: redirected };
}

/** What the files use of the vendored packages, as a CommonJS file a package; and the licenses that have to go with it. */
export async function vendoredBy(files: readonly Module[]): Promise<Module[]> {
  const uses = new Map(VENDORED.map((name) => [name, new Set<string>()]));
  for (const { code } of files) {
    for (const [, names, specifier] of code.matchAll(FROM)) {
      for (const name of names!.matchAll(/(\w+)(?: as \w+)?/g)) {
        uses.get(packageOf(specifier!))?.add(`export { ${name[1]} } from '${specifier}';`);
      }
    }
    for (const [, specifier] of code.matchAll(IMPORT)) {
      uses.get(packageOf(specifier!))?.add(`export * from '${specifier}';`);
    }
  }
  const inputs = new Set<string>();
  const copies = await Promise.all(
    [...uses].map(async ([name, lines]) => {
      const { outputFiles, metafile } = await build({
        stdin: { contents: unique([...lines]).join('\n'), resolveDir: process.cwd() },
        bundle: true,
        format: 'cjs',
        platform: 'node',
        target: TARGET,
        // Nobody reads these here. Names of classes stay where errors show theirs.
        minify: true,
        keepNames: name !== 'chokidar',
        legalComments: 'none',
        // As ES modules are.
        banner: { js: "'use strict';" },
        write: false,
        metafile: true,
      });
      for (const input of Object.keys(metafile.inputs)) inputs.add(input);
      return { name: join('vendor', `${name}.js`), code: outputFiles[0]!.text };
    }),
  );
  return [...copies, { name: join('vendor', 'LICENSES.txt'), code: await licensesOf([...inputs]) }];
}

const packageOf = (specifier: string) => specifier.split('/')[0]!;
const isVendored = (specifier: string) => VENDORED.includes(packageOf(specifier));

/** The first of the lines that export the same name: `decodeJwt` may come from "jose" and from "jose/jwt/decode". */
function unique(lines: readonly string[]): string[] {
  const what = (line: string) => /^export (.*) from/.exec(line)![1]!;
  return lines.filter(
    (line, index) => what(line) === '*' || lines.findIndex((other) => what(other) === what(line)) === index,
  );
}

async function licensesOf(inputs: readonly string[]): Promise<string> {
  const packages = new Set(inputs.flatMap((path) => /^node_modules\/[^/]+/.exec(path)?.[0] ?? []));
  const texts = await Promise.all([...packages].sort().map(licenseOf));
  return `The files beside this one contain code of these packages:\n\n${texts.join('\n\n')}\n`;
}

async function licenseOf(directory: string): Promise<string> {
  const { name, version, license } = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8'));
  const text = await readFile(join(directory, 'LICENSE'), 'utf8').catch(() =>
    readFile(join(directory, 'LICENSE.md'), 'utf8'),
  );
  return `${name} ${version} (${license})\n\n${text.trim()}`;
}
