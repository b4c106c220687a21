import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { SignatureFinder } from './find-signature.js';

// No byte of plain ASCII, which a raw leak is told from text by.
const SIGNATURE = Buffer.from(randomBytes(64).map((byte) => byte | 0x80));
const finder = new SignatureFinder([randomBytes(64), SIGNATURE, randomBytes(256)]);

/** So many bytes, from anywhere, as they may be seen. */
const FORMS: Record<string, (bytes: Buffer) => string> = {
  base64: (bytes) => bytes.toString('base64'),
  base64url: (bytes) => bytes.toString('base64url'),
  'base64 of something larger': (bytes) => Buffer.concat([Buffer.from('Basic'), bytes]).toString('base64'),
  hex: (bytes) => bytes.toString('hex'),
  'hex in capitals': (bytes) => bytes.toString('hex').toUpperCase(),
  'hex from half a byte on': (bytes) => `a${bytes.toString('hex')}`,
  'a Buffer shown by inspect': (bytes) => inspect(bytes),
  raw: (bytes) => bytes.toString('latin1'),
  'raw, shown by inspect': (bytes) => inspect({ raw: bytes.toString('latin1') }),
  'raw, as JSON': (bytes) => JSON.stringify([bytes.toString('latin1')]),
};

describe.each(Object.entries(FORMS))('%s', (_, show) => {
  it.each([0, 1, 2, 29, 56])('of 8 bytes from %i on is found', (start) => {
    expect(finder.find(`of the token ${show(SIGNATURE.subarray(start, start + 8))}, too`)).not.toEqual([]);
  });

  // From elsewhere on, in base64, they may be eight characters of the token's text.
  it.each([1, 28, 55])('of 7 bytes from %i on is not', (start) => {
    expect(finder.find(`of the token ${show(SIGNATURE.subarray(start, start + 7))}, too`)).toEqual([]);
  });
});

describe('the text of the token', () => {
  const text = SIGNATURE.toString('base64url');

  it('is found by 8 characters, wherever they stand, and said without them', () => {
    for (let start = 0; start + 8 <= text.length; start++) {
      const part = text.slice(start, start + 8);
      const [leak] = finder.find(`before.${part}.after`);
      expect(leak).toEqual({ form: 'text of the token', context: 'before.█' });
    }
  });

  it('is not found by 7', () => {
    expect(finder.find(`${text.slice(0, 7)} ${text.slice(-7)}`)).toEqual([]);
  });
});

it('finds a leak at any place of a long text', () => {
  const leak = SIGNATURE.subarray(3, 11).toString('hex');
  for (const before of [99_990, 99_999, 100_000, 100_050, 3_000_000]) {
    expect(finder.find(`${'-'.repeat(before)}${leak}-`)).toHaveLength(1);
  }
});
