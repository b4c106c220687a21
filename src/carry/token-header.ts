import { InvalidOptionError, TokenFileError } from '../errors.js';
import { BEARER_CARRIER, type TokenSource } from '../token-source.js';
import { SecretHeader } from './secret-header.js';

/** Names of header fields (RFC 9110 section 5.6.2). */
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * What every token in a header is made of: visible ASCII (RFC 6750 section 2.1 allows less). Clients quote a header value that
 * they reject in their error, so a bad one must not get that far.
 */
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** How requests carry the token of a source: the header, and what stands in it. */
export class TokenHeader {
  /** In lower case. */
  readonly name: string;
  readonly #scheme: string | undefined;
  /** Of the token that was asked for last: it is the same one for many requests. */
  #last: SecretHeader | undefined;

  /** @throws `ERR_TOKEN_OPTION` when the carrier of the source names no header */
  constructor({ carrier = BEARER_CARRIER }: TokenSource) {
    if (!FIELD_NAME.test(carrier.header)) {
      throw new InvalidOptionError(
        'carrier',
        'The carrier of the token source names a header that is not a valid header name.',
      );
    }
    this.name = carrier.header.toLowerCase();
    this.#scheme = carrier.scheme;
  }

  /**
   * Returns the header for a token.
   *
   * @throws `ERR_TOKEN_MALFORMED` when no header can carry it
   */
  of(token: string): SecretHeader {
    if (token === this.#last?.token) return this.#last;
    if (!VISIBLE_ASCII.test(token)) {
      throw new TokenFileError(
        'ERR_TOKEN_MALFORMED',
        'The token source gave a token that is empty, or holds white space, control or other characters that no header may carry.',
      );
    }
    const value = this.#scheme === undefined ? token : `${this.#scheme} ${token}`;
    this.#last = new SecretHeader(this.name, value, token);
    return this.#last;
  }
}
