import { describe, expect, it } from 'vitest';
import { hasTag } from '../../src/internal/has-tag.js';
import { isError } from '../../src/internal/is-error.js';
import { isThenable } from '../../src/internal/is-thenable.js';
import { inOtherRealm, OtherURLSearchParams } from '../helpers/other-realm.js';

it('isError knows errors of any realm, and nothing else', () => {
  const foreign = inOtherRealm('new RangeError("foreign")');
  expect(foreign).not.toBeInstanceOf(Error);
  const errors = [new Error('own'), foreign, new DOMException('aborted', 'AbortError'), Object.create(Error.prototype)];
  expect(errors.map(isError)).toEqual([true, true, true, true]);
  expect([{ name: 'Error', message: 'none' }, 'Error', null, undefined].map(isError)).toEqual(
    Array.from({ length: 4 }, () => false),
  );
});

it('isThenable knows promises of any realm and library, and nothing else', async () => {
  const foreign = inOtherRealm('Promise.resolve(1)');
  expect(foreign).not.toBeInstanceOf(Promise);
  // biome-ignore lint/suspicious/noThenProperty: what a promise of a library is.
  expect([Promise.resolve(), foreign, { then() {} }].map(isThenable)).toEqual([true, true, true]);
  // biome-ignore lint/suspicious/noThenProperty: what a promise of a library is not.
  expect([{ then: 1 }, () => {}, 'then', null, undefined].map(isThenable)).toEqual(
    Array.from({ length: 5 }, () => false),
  );
});

describe('hasTag', () => {
  it.each([
    ['URLSearchParams', new URLSearchParams()],
    ['URLSearchParams', new OtherURLSearchParams([])],
    ['ArrayBuffer', inOtherRealm('new ArrayBuffer(1)')],
    ['FormData', new FormData()],
    ['URL', new URL('https://a.example')],
  ])('knows an instance of %s, of any realm', (tag, value) => {
    expect(hasTag(value, tag)).toBe(true);
    expect(hasTag({ ...(value as object) }, tag)).toBe(false);
    expect(hasTag(null, tag)).toBe(false);
  });
});
