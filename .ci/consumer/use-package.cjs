const { carryToken } = require('./carry-token.cjs');
const { followToken } = require('./follow-token.cjs');
const { verifyToken } = require('./verify-token.cjs');

/**
 * Does with the installed package what a user's program does; rejects with what is not as it should be.
 *
 * @param load - gives the module of a specifier: `require`, or `(specifier) => import(specifier)`
 * @param without - subpaths that this place cannot have, such as `got`, for the package behind them does not run there
 */
exports.usePackage = async function usePackage(load, without = []) {
  const { exports: subpaths } = require('projected-token/package.json');
  const expected = Object.keys(subpaths).filter(
    (path) => path !== './package.json' && !without.includes(path.slice(2)),
  );
  for (const path of expected) await load(`projected-token${path.slice(1)}`);
  await followToken(load);
  await verifyToken(load);
  await carryToken(load, without);
};
