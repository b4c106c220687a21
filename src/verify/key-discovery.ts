import type { HttpAnswer } from '../internal/http-client.js';
import { printable } from '../internal/printable.js';
import { urlUnder } from '../internal/url-under.js';
import type { IssuerClient } from './issuer-client.js';
import { KeySet } from './key-set.js';
import type { ResolvedIssuer } from './resolve-options.js';
import { TokenVerificationError } from './token-verification-error.js';

/** Fetches the keys of one issuer: OpenID Connect Discovery 1.0 section 4. */
export class KeyDiscovery {
  readonly #client: IssuerClient;
  readonly #issuer: ResolvedIssuer;
  #keysUrl: URL | undefined;

  constructor(client: IssuerClient, issuer: ResolvedIssuer) {
    this.#client = client;
    this.#issuer = issuer;
  }

  /**
   * Resolves with the keys as published now. Reads the discovery document before the first fetch and after a failure.
   *
   * @throws `ERR_VERIFY_UNAVAILABLE`
   */
  async fetchKeys(): Promise<KeySet> {
    this.#keysUrl ??= await this.#discover();
    try {
      return readKeySet(this.#keysUrl, await this.#fetch(this.#keysUrl));
    } catch (error) {
      this.#keysUrl = undefined;
      throw error;
    }
  }

  async #discover(): Promise<URL> {
    const { server, isApiServer, names } = this.#issuer;
    const url = urlUnder(server, '/.well-known/openid-configuration');
    const { issuer: published, jwks_uri: uri } = await this.#fetch(url);
    // Section 4.3: the issuer MUST be identical.
    if (typeof published !== 'string' || !names.includes(published)) {
      const found = printable(JSON.stringify(published) ?? 'nobody', 200);
      throw unavailable(
        url,
        `it names the issuer ${found}, not ${names.map((name) => JSON.stringify(name)).join(', ')}. ` +
          'Set the option "issuer" to the one in the document, or to a list of both while tokens of the old one are in use',
      );
    }
    if (isApiServer) return urlUnder(server, '/openid/v1/jwks');
    const keysUrl = typeof uri === 'string' && URL.canParse(uri) ? new URL(uri) : undefined;
    // Clear text only from the configured server, which is on loopback then.
    if (keysUrl?.protocol === 'https:' || (keysUrl !== undefined && keysUrl.origin === server.origin)) return keysUrl;
    throw unavailable(url, 'its "jwks_uri" is not a URL with https');
  }

  async #fetch(url: URL): Promise<Readonly<Record<string, unknown>>> {
    const response = await this.#client.request('GET', url);
    if (response.status !== 200) throw unavailable(url, refusal(response));
    const document = parseJson(response.text);
    if (document === undefined) throw unavailable(url, 'it is not JSON');
    if (typeof document !== 'object' || document === null) throw unavailable(url, 'it is not a JSON object');
    return document as Record<string, unknown>;
  }
}

function readKeySet(url: URL, document: Readonly<Record<string, unknown>>): KeySet {
  try {
    return new KeySet(document);
  } catch {
    throw unavailable(url, 'it is not a set of keys (RFC 7517)');
  }
}

function parseJson(text: string): unknown {
  try {
    // RFC 8259 section 8.1: a parser may ignore a byte order mark; some web servers add one.
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
}

function refusal({ status }: HttpAnswer): string {
  const fix =
    status === 401 || status === 403
      ? '. Set the option "bearer" to a token of a service account that may read it (cluster role system:service-account-issuer-discovery)'
      : '';
  return `the answer is ${status}${fix}`;
}

function unavailable(url: URL, why: string): TokenVerificationError {
  return new TokenVerificationError('ERR_VERIFY_UNAVAILABLE', `Cannot use ${url.origin}${url.pathname}: ${why}.`);
}
