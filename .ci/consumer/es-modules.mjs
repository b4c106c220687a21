// node es-modules.mjs [subpath that this place cannot have …]
import { usePackage } from './use-package.cjs';

await usePackage((specifier) => import(specifier), process.argv.slice(2));
console.log('works');
