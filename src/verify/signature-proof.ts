import { printable } from '../internal/printable.js';
import { checkSignature } from './check-signature.js';
import type { KeySet } from './key-set.js';
import type { ParsedToken } from './parse-token.js';
import type { PublishedKeys } from './published-keys.js';
import type { TokenProof } from './token-proof.js';
import { TokenVerificationError } from './token-verification-error.js';
import type { Verdict } from './verdict.js';

/** Proves a token genuine by its signature, with the published keys of its issuer. */
export class SignatureProof implements TokenProof {
  readonly #keys: PublishedKeys;

  constructor(keys: PublishedKeys) {
    this.#keys = keys;
  }

  /** @throws `ERR_VERIFY_KEY`; `ERR_VERIFY_UNAVAILABLE` if there are no keys, or too many signatures wait to be checked */
  async prove(parsed: ParsedToken): Promise<Verdict> {
    return this.proveWith(await this.#keys.lookUp(parsed.header.kid), parsed);
  }

  /**
   * Resolves with a verdict that holds until the issuer publishes other keys, or the keys are too old.
   *
   * @throws `ERR_VERIFY_KEY`; `ERR_VERIFY_UNAVAILABLE` if too many signatures wait to be checked
   */
  async proveWith(keySet: KeySet, parsed: ParsedToken): Promise<Verdict> {
    const { header, claims } = parsed;
    const holds = () => this.#keys.current === keySet;
    const keys = await keySet.keysFor(header);
    if (keys.length === 0) {
      throw new TokenVerificationError(
        'ERR_VERIFY_KEY',
        `The issuer ${JSON.stringify(printable(claims.iss ?? ''))} does not publish the key that the token names ("kid"). The token may be of another cluster, or signed with a removed key.`,
        { claim: 'kid' },
      );
    }
    for (const key of keys) {
      if (await checkSignature(parsed, key)) return { holds };
    }
    const refusal = new TokenVerificationError(
      'ERR_VERIFY_SIGNATURE',
      'The signature of the token is not valid: the token was changed, or forged, or is of another cluster.',
    );
    return { refusal, holds };
  }
}
