/**
 * Makes the package of what tsup has built, ES modules and types: names chunks, and adds CommonJS in `cjs`, with types of its own.
 *
 * Run: npm run build
 */
import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { checkOrder, toCommonJs } from './commonjs.js';
import { takeModules } from './modules.js';
import { useVendored, vendoredBy } from './vendored.js';

const [directory = 'dist'] = process.argv.slice(2);
const commonJs = join(directory, 'cjs');

const modules = await takeModules(directory);
for (const { name, code } of modules) await write(join(directory, name), code);

// The command line is a program: nobody requires it.
const required = modules.filter(({ name }) => name !== 'cli.js');
checkOrder(required);
for (const module of required) {
  const { name, code } = await toCommonJs(useVendored(module));
  await write(join(commonJs, name), code);
}
for (const { name, code } of await vendoredBy(required)) await write(join(commonJs, name), code);

// Bundlers look for "sideEffects" in the nearest one. It also says what kind of module a declaration beside it declares, so the types
// are the same text.
await write(join(commonJs, 'package.json'), '{ "type": "commonjs", "sideEffects": false }\n');
for (const name of await readdir(directory)) {
  if (name.endsWith('.d.ts')) await cp(join(directory, name), join(commonJs, name));
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text, { mode: text.startsWith('#!') ? 0o755 : 0o644 });
}
