import { describe, expect, it } from 'vitest';
import { printable } from '../../src/internal/printable.js';

describe('printable', () => {
  it.each([
    ['a line feed', 'a\nb', 'a\u{fffd}b'],
    ['an escape sequence', 'a\u001b[2Kb', 'a\u{fffd}[2Kb'],
    ['a C1 control', 'a\u009bb', 'a\u{fffd}b'],
    ['a line separator', 'a\u2028b', 'a\u{fffd}b'],
    ['a right-to-left override', 'a\u202eb', 'a\u{fffd}b'],
    ['a zero-width space', 'a\u200bb', 'a\u{fffd}b'],
    ['half of a surrogate pair', 'a\ud800b', 'a\u{fffd}b'],
    ['letters of any script', 'dépôt 仓库 📦', 'dépôt 仓库 📦'],
  ])('makes %s safe', (_what, text, safe) => {
    expect(printable(text)).toBe(safe);
  });

  it('cuts what is too long', () => {
    expect(printable('abcdef', 3)).toBe('abc…');
    expect(printable('abc', 3)).toBe('abc');
  });
});
