import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { isReplayableBody } from '../../src/carry/is-replayable-body.js';

const BYTES = new Uint8Array([1, 2, 3]);

const IN_MEMORY: Record<string, unknown> = {
  nothing: undefined,
  null: null,
  text: 'text',
  'empty text': '',
  'a number': 7,
  'a Buffer': Buffer.from(BYTES),
  'a Uint8Array': BYTES,
  'a DataView': new DataView(BYTES.buffer),
  'an ArrayBuffer': BYTES.buffer,
  'a Blob': new Blob([BYTES]),
  'a File': new File([BYTES], 'name'),
  URLSearchParams: new URLSearchParams({ name: 'value' }),
  FormData: new FormData(),
  'a plain object': { name: 'value' },
  'an object with a member called next': { next: () => {} },
  'an array': [1, 2],
};

const ONCE_ONLY: Record<string, () => unknown> = {
  'a Node stream': () => Readable.from([BYTES]),
  'a Node duplex stream': () => new PassThrough(),
  'a stream of a package that has only pipe': () => ({ pipe: () => {} }),
  'a web stream': () => new Blob([BYTES]).stream(),
  'a web stream of a package that has only getReader': () => ({ getReader: () => {} }),
  'an async generator': () => (async function* () {})(),
  'a class with an async iterator': () => ({ [Symbol.asyncIterator]: () => {} }),
  'a generator': () => (function* () {})(),
  'an iterator of an array': () => [1, 2].values(),
};

describe('isReplayableBody', () => {
  it.each(Object.entries(IN_MEMORY))('%s can be sent again', (_, body) => {
    expect(isReplayableBody(body)).toBe(true);
  });

  it.each(Object.entries(ONCE_ONLY))('%s can not', (_, make) => {
    expect(isReplayableBody(make())).toBe(false);
  });
});
