import { join } from 'node:path';
import { expect, it } from 'vitest';
import { builtPackage } from '../helpers/built-package.js';
import { packageManifest } from '../helpers/installed-project.js';
import { publicTypes } from '../helpers/public-types.js';

// A change of what users get is seen in the change of this file. To accept it: npx vitest run test/package/public-types -u
it('the public types are those of public-types.txt', { timeout: 300_000 }, async () => {
  const { exports: exported } = await packageManifest();
  const subpaths = Object.keys(exported).filter((path) => !['.', './package.json'].includes(path));
  const modules = ['index', ...subpaths.map((path) => path.slice(2)).sort()];
  const { directory } = await builtPackage();
  await expect(publicTypes(join(directory, 'dist'), modules)).toMatchFileSnapshot('public-types.txt');
});
