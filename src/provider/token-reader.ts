import { assertAcceptable, withPath } from '../token/acceptance.js';
import { BoundToken } from '../token/bound-token.js';
import { verifySignature } from '../token/verify-signature.js';
import type { VolumeLocation } from '../volume/locate-volume.js';
import { readTokenFile } from '../volume/read-token-file.js';
import type { ResolvedProviderOptions } from './provider-options.js';

/** The outcome of one read: an acceptable token, or the reason why there is none. */
export type TokenReading = {
  /** Where the file was found; undefined when it could not be read. */
  readonly location: VolumeLocation | undefined;
  /** What the file held; empty when it could not be read. */
  readonly text: string;
} & ({ readonly token: BoundToken } | { readonly token: undefined; readonly error: unknown });

/** Reads the token file and examines what it holds. Keeps nothing from one read to the next. */
export class TokenReader {
  constructor(private readonly options: Pick<ResolvedProviderOptions, 'fs' | 'path' | 'expectation' | 'verify'>) {}

  /**
   * Reads the file once. Never rejects.
   *
   * @param last - the token accepted before; a file that holds it still is not examined again, even if it has expired
   */
  async read(last: BoundToken | undefined): Promise<TokenReading> {
    let location: VolumeLocation | undefined;
    let text = '';
    try {
      const content = await readTokenFile(this.options.fs, this.options.path);
      location = content;
      text = content.text;
      const token = text === last?.value ? last : await this.#examine(text, content.file);
      return { location, text, token };
    } catch (error) {
      return { location, text, token: undefined, error };
    }
  }

  async #examine(text: string, file: string): Promise<BoundToken> {
    const { expectation, verify } = this.options;
    try {
      const candidate = BoundToken.parse(text);
      assertAcceptable(candidate, expectation, Date.now());
      if (verify !== undefined) await verifySignature(candidate, verify);
      return candidate;
    } catch (error) {
      throw withPath(error, file);
    }
  }
}
