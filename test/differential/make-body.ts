import { Readable } from 'node:stream';
import type { BodyKind } from './scenario.js';

const TEXT = 'text of a body: caf\u00e9';
const BYTES = Buffer.from('bytes \0\x01\xff of a body', 'latin1');

/** A fresh body of a kind. */
export function makeBody(kind: BodyKind): unknown {
  switch (kind) {
    case 'none':
      return undefined;
    case 'null':
      return null;
    case 'text':
      return TEXT;
    case 'empty text':
      return '';
    case 'Buffer':
      return Buffer.from(BYTES);
    case 'Uint8Array':
      return new Uint8Array(BYTES);
    case 'ArrayBuffer':
      return new Uint8Array(BYTES).buffer;
    case 'DataView':
      return new DataView(new Uint8Array(BYTES).buffer, 2, 5);
    case 'Blob':
      return new Blob([BYTES], { type: 'image/png' });
    case 'FormData':
      return makeForm();
    case 'FormData with a file': {
      const form = makeForm();
      form.append('file', new Blob(['in a file'], { type: 'text/plain' }), 'a "name".txt');
      return form;
    }
    case 'URLSearchParams':
      return new URLSearchParams({ a: '1', b: 'caf\u00e9 &' });
    case 'Readable':
      return Readable.from([Buffer.from('first '), Buffer.from('second')], { objectMode: false });
    case 'failing Readable':
      return Readable.from(chunks(true), { objectMode: false });
    case 'ReadableStream':
      return ReadableStream.from(chunks(false));
    case 'failing ReadableStream':
      return ReadableStream.from(chunks(true));
    case 'async iterable':
      return chunks(false);
    case 'number':
      return 5;
    case 'object':
      return { a: 1, b: [true, null] };
  }
}

/** Whether a body of this kind gives its bytes once only. */
export function isOneShot(kind: BodyKind): boolean {
  return ['Readable', 'failing Readable', 'ReadableStream', 'failing ReadableStream', 'async iterable'].includes(kind);
}

/**
 * Node sends a stream with one of these methods as it is: to the server it is the next request, and whether that comes in one piece is
 * chance.
 */
export function isUnframed(method: string, kind: BodyKind): boolean {
  return isOneShot(kind) && /^(get|head|delete|options|trace)$/i.test(method);
}

function makeForm(): FormData {
  const form = new FormData();
  form.append('a', '1');
  form.append('b', 'caf\u00e9\r\nline');
  return form;
}

async function* chunks(fails: boolean): AsyncGenerator<Uint8Array> {
  yield Buffer.from('first ');
  if (fails) throw new Error('The body breaks off.');
  yield Buffer.from('second');
}
