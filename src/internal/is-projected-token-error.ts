import type { ProjectedTokenError, ProjectedTokenErrorCode } from '../errors.js';

/** The families of codes; no code of Node begins like one of these. */
const OWN_CODE = /^ERR_(?:TOKEN|VERIFY|EXCHANGE)_/;

/**
 * Returns whether an error is one of this library, by its `code`: the ES module and the CommonJS copy of the library can
 * be in one process, each with classes of its own, and Jest runs tests in another realm. `instanceof` fails there.
 */
export function isProjectedTokenError(
  error: unknown,
): error is ProjectedTokenError & { code: ProjectedTokenErrorCode } {
  const code = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' && OWN_CODE.test(code);
}
