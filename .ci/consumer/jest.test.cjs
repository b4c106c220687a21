const { usePackage } = require('./use-package.cjs');

// What Jest cannot require, as it is: @kubernetes/client-node and got are ES modules only.
it('works in the default mode', () => usePackage(require, ['kubernetes', 'got']), 60_000);
