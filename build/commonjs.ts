import { dirname, join } from 'node:path';
import { transform } from 'esbuild';
import { type Module, TARGET } from './modules.js';

const IMPORT_OF_FILE = /^import \{([^}]*)\} from ("\.[^"]+");$/gm;
const EXPORT = /^export \{([^}]*)\};$/m;

/**
 * Makes CommonJS of an ES module, with the same text but for imports and exports. The files stay apart as in ES modules, so that there
 * is one copy of every class and of every shared map across subpaths. `import()` becomes a `require` at the same moment, because Jest
 * runs CommonJS files where `import()` fails.
 */
export async function toCommonJs({ name, code }: Module): Promise<Module> {
  // Other files of the package take no copies of changing values, so constants will do: see `checkOrder`.
  const linked = code
    .replace(IMPORT_OF_FILE, (_, names, file) => `const {${names.replace(/ as /g, ': ')}} = require(${file});`)
    .replace(EXPORT, (_, names) => `module.exports = {${names.replace(/([\w$]+) as ([\w$]+)/g, '$2: $1')}};`);
  const transformed = await transform(linked, {
    format: 'cjs',
    platform: 'node',
    target: TARGET,
    supported: { 'dynamic-import': false },
    // As ES modules are.
    banner: "'use strict';",
    logOverride: { 'commonjs-variable-in-esm': 'silent' },
  });
  return { name, code: transformed.code };
}

/** Throws if files import each other in a circle: one of them would get what is not there yet. */
export function checkOrder(files: readonly Module[]): void {
  const imports = new Map(
    files.map(({ name, code }) => [
      name,
      [...code.matchAll(IMPORT_OF_FILE)].map(([, , file]) => join(dirname(name), JSON.parse(file!))),
    ]),
  );
  const visit = (name: string, above: readonly string[]): void => {
    if (above.includes(name)) throw new Error(`Files import each other: ${[...above, name].join(' → ')}`);
    for (const imported of imports.get(name) ?? []) visit(imported, [...above, name]);
  };
  for (const { name } of files) visit(name, []);
}
