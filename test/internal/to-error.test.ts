import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { toError } from '../../src/internal/to-error.js';

it('leaves an error as it is, also one of another realm', () => {
  const own = new TypeError('own');
  const foreign = runInNewContext('new RangeError("foreign")');
  expect(toError(own)).toBe(own);
  expect(toError(foreign)).toBe(foreign);
});

it.each([['text'], [undefined], [{ code: 5 }]])('makes one of %o', (thrown) => {
  expect(toError(thrown)).toBeInstanceOf(Error);
  expect(toError(thrown).message).toBe(String(thrown));
});
