import { TokenFileError } from '../errors.js';
import { MAX_TOKEN_BYTES } from '../token/max-token-bytes.js';

/** Name of standard input in errors. */
export const STANDARD_INPUT_NAME = 'standard input';

/**
 * Reads a token from standard input, without surrounding white space.
 *
 * @throws `ERR_TOKEN_EMPTY`, `ERR_TOKEN_TOO_LARGE` ({@link TokenFileError})
 */
export async function readStandardInput(input: AsyncIterable<Uint8Array | string>): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk as Uint8Array);
    chunks.push(bytes);
    length += bytes.length;
    if (length > MAX_TOKEN_BYTES) {
      const message = `Standard input is larger than ${MAX_TOKEN_BYTES / 1024} KiB, so it is not a service account token.`;
      throw new TokenFileError('ERR_TOKEN_TOO_LARGE', message, { path: STANDARD_INPUT_NAME });
    }
  }
  const text = Buffer.concat(chunks).toString('utf8').trim();
  if (text !== '') return text;
  const message = 'Standard input is empty. Check the command before the pipe.';
  throw new TokenFileError('ERR_TOKEN_EMPTY', message, { path: STANDARD_INPUT_NAME });
}
