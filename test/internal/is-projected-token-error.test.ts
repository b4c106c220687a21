import { expect, it } from 'vitest';
import { TokenFileError } from '../../src/errors.js';
import { isProjectedTokenError } from '../../src/internal/is-projected-token-error.js';

it.each([
  [new TokenFileError('ERR_TOKEN_EMPTY', 'empty'), true],
  // Of another copy of the library, or of another realm: no class is shared.
  [{ code: 'ERR_VERIFY_EXPIRED', message: 'expired' }, true],
  [{ code: 'ERR_EXCHANGE_DENIED' }, true],
  [Object.assign(new Error(), { code: 'ERR_INVALID_ARG_TYPE' }), false],
  [Object.assign(new Error(), { code: 'ENOENT' }), false],
  [{ code: 403 }, false],
  [new Error('no code'), false],
  ['ERR_TOKEN_EMPTY', false],
  [null, false],
  [undefined, false],
])('tells an error of the library by its code: %o', (error, expected) => {
  expect(isProjectedTokenError(error)).toBe(expected);
});
