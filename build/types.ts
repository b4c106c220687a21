import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'tsup';
import { ENTRIES } from './entries.js';

/** Writes the type declarations. Those of CommonJS are the same text: the package.json beside a file says what kind of module it declares. */
export async function writeTypes(directory: string): Promise<void> {
  await build({ config: false, silent: true, entry: ENTRIES, outDir: directory, format: 'esm', dts: { only: true } });
  for (const name of await readdir(directory)) {
    if (name.endsWith('.d.ts')) await cp(join(directory, name), join(directory, 'cjs', name));
  }
}
