// node commonjs.cjs [subpath that this place cannot have …]
const { usePackage } = require('./use-package.cjs');

usePackage(require, process.argv.slice(2)).then(() => console.log('works'));
