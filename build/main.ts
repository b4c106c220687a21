/**
 * Builds the package: ES modules, CommonJS in `cjs`, and the types of both.
 *
 * Run: npm run build [-- <directory>]
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bundle } from './bundle.js';
import { checkOrder, toCommonJs } from './commonjs.js';
import { writeTypes } from './types.js';
import { useVendored, vendoredBy } from './vendored.js';

async function writeModules(directory: string): Promise<void> {
  const files = await bundle();
  for (const { name, code } of files) await write(join(directory, name), code);

  // The command line is a program: nobody requires it.
  const required = files.filter(({ name }) => name !== 'cli.js');
  checkOrder(required);
  const commonJs = join(directory, 'cjs');
  for (const file of required) {
    const { name, code } = await toCommonJs(useVendored(file));
    await write(join(commonJs, name), code);
  }
  for (const { name, code } of await vendoredBy(required)) await write(join(commonJs, name), code);
  // Bundlers look for "sideEffects" in the nearest one.
  await write(join(commonJs, 'package.json'), '{ "type": "commonjs", "sideEffects": false }\n');
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text, { mode: text.startsWith('#!') ? 0o755 : 0o644 });
}

const [directory = 'dist'] = process.argv.slice(2);
await rm(directory, { recursive: true, force: true });
await writeModules(directory);
await writeTypes(directory);
