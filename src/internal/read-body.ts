import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib';
import { codeOf, HttpError } from './http-error.js';

/** Far above any key set, review or login: what is larger is not read into memory. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** The content codings that {@link readBody} undoes, as a value of the header `Accept-Encoding`. */
export const ACCEPTED_ENCODINGS = 'gzip, deflate, br';

const limits = { maxOutputLength: MAX_BODY_BYTES };
const decoders = new Map<string, (bytes: Buffer) => Promise<Buffer>>([
  ['identity', async (bytes) => bytes],
  ['gzip', (bytes) => promisify(gunzip)(bytes, limits)],
  ['br', (bytes) => promisify(brotliDecompress)(bytes, limits)],
  // RFC 9110 section 8.4.1.2: in the zlib format, and some servers send it without.
  ['deflate', (bytes) => promisify(((bytes[0] ?? 0) & 0x0f) === 0x08 ? inflate : inflateRaw)(bytes, limits)],
]);

/**
 * Reads a body to its end and undoes its content coding; a byte order mark is dropped.
 *
 * @param contentEncoding - value of the header `Content-Encoding`
 * @throws {HttpError} when it is longer than {@link MAX_BODY_BYTES}, before or after decoding, or cannot be decoded
 */
export async function readBody(body: AsyncIterable<Buffer>, contentEncoding = 'identity'): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw tooLong();
    chunks.push(chunk);
  }
  return new TextDecoder().decode(await decode(Buffer.concat(chunks), contentEncoding));
}

async function decode(bytes: Buffer, contentEncoding: string): Promise<Buffer> {
  if (bytes.length === 0) return bytes;
  const codings = contentEncoding.toLowerCase().split(',').map(withoutPrefix);
  // More than one is lawful, more than a few is an attack.
  const steps = codings.length > 2 ? [undefined] : codings.map((coding) => decoders.get(coding));
  let decoded = bytes;
  // The last one was applied last.
  for (const step of steps.reverse()) {
    if (step === undefined) throw new HttpError('the body of the answer has a content coding that was not asked for.');
    try {
      decoded = await step(decoded);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ERR_BUFFER_TOO_LARGE') throw tooLong();
      throw new HttpError(`the body of the answer cannot be decompressed (${code}).`, { code });
    }
  }
  return decoded;
}

// RFC 9110 section 8.4.1.3: x-gzip is the same as gzip.
function withoutPrefix(coding: string): string {
  return coding.trim().replace(/^x-/, '');
}

function tooLong(): HttpError {
  return new HttpError(`the body of the answer is longer than ${MAX_BODY_BYTES} bytes.`, {
    code: 'UND_ERR_RES_EXCEEDED_MAX_SIZE',
  });
}
