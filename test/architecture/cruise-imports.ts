import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import extractDepcruiseOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';

/** The root of the repository. */
export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/** The imports of all files in src/ of a directory, types included, and the rules of the repository that they break. */
export async function cruiseImports(directory = REPOSITORY): Promise<ICruiseResult> {
  const options = await extractDepcruiseOptions(join(REPOSITORY, '.dependency-cruiser.mjs'));
  const { output } = await cruise(['src'], { ...options, validate: true, baseDir: directory });
  return output as ICruiseResult;
}
