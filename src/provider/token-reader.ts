import { TokenSignatureError } from '../errors.js';
import { withDeadline } from '../internal/deadline.js';
import { assertAcceptable, withPath } from '../token/acceptance.js';
import { BoundToken } from '../token/bound-token.js';
import { verifySignature } from '../token/verify-signature.js';
import type { VolumeLocation } from '../volume/locate-volume.js';
import { readShared } from '../volume/read-shared.js';
import { VolumeAccess } from '../volume/volume-access.js';
import type { ResolvedProviderOptions } from './provider-options.js';

/** The outcome of one read: an acceptable token, or the reason why there is none. */
export type TokenReading = {
  /** Where the file was found; undefined when it could not be read. */
  readonly location: VolumeLocation | undefined;
  /** What the file held; empty when it could not be read. */
  readonly text: string;
} & ({ readonly token: BoundToken } | { readonly token: undefined; readonly error: unknown });

/**
 * How long the check of a signature may take, in milliseconds: a second more than jose gives the fetch of a key set
 * (`timeoutDuration` of `createRemoteJWKSet`), whose error says more.
 */
const VERIFY_TIMEOUT_MS = 6000;

/** Reads the token file and examines what it holds. Keeps no outcome from one read to the next. */
export class TokenReader {
  readonly #access: VolumeAccess;

  constructor(private readonly options: Pick<ResolvedProviderOptions, 'fs' | 'path' | 'expectation' | 'verify'>) {
    this.#access = new VolumeAccess(options.fs, options.path);
  }

  /**
   * Reads the file once. Never rejects, and settles also when the volume or the key set of `verify` does not answer.
   *
   * @param last - the token accepted before; a file that holds it still is not examined again, even if it has expired
   */
  async read(last: BoundToken | undefined): Promise<TokenReading> {
    let location: VolumeLocation | undefined;
    let text = '';
    try {
      const content = await readShared(this.#access, this.options.fs, this.options.path);
      location = content;
      this.#access.directory = content.directory;
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
      if (verify !== undefined) {
        await withDeadline(() => verifySignature(candidate, verify), {
          timeoutMs: VERIFY_TIMEOUT_MS,
          toError: unverifiable,
        });
      }
      return candidate;
    } catch (error) {
      throw withPath(error, file);
    }
  }
}

function unverifiable(): TokenSignatureError {
  return new TokenSignatureError(
    `The signature of the token could not be verified within ${VERIFY_TIMEOUT_MS / 1000} s: the key set of the option "verify" did not answer. ` +
      'Check that the key set is reachable.',
  );
}
