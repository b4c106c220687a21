import { createRemoteJWKSet, customFetch, type RemoteJWKSet } from 'jose/jwks/remote';
import { compactVerify } from 'jose/jws/compact/verify';
import type { HttpAnswer } from '../internal/http-client.js';
import { urlUnder } from '../internal/url-under.js';
import type { BoundToken } from '../token/bound-token.js';
import type { IssuerClient } from './issuer-client.js';
import type { ParsedToken, TokenHeader } from './parse-token.js';
import type { TokenProof } from './token-proof.js';
import { TokenVerificationError } from './token-verification-error.js';
import type { ResolvedOptions } from './token-verifier-options.js';

/** Keys that are older are fetched again, while they stay in use. jose's own default. */
const REFRESH_AFTER_MS = 10 * 60_000;
/**
 * Keys that are older are not used any more. An API server lets its key set be kept for this long (`Cache-Control:
 * max-age=3600`, kubernetes/kubernetes pkg/routes/openidmetadata.go), and publishes a new key that long before it signs with it.
 */
const USABLE_FOR_MS = 60 * 60_000;
/** A token with an unknown key id has the keys fetched again, but not more often than this, however many such tokens come. */
const REFETCH_PAUSE_MS = 30_000;
/** A server that failed is left alone for this long. */
const FAILURE_PAUSE_MS = 5_000;

/** Proves a token genuine by its signature, with the keys that its issuer publishes. */
export class PublishedKeys implements TokenProof {
  readonly #client: IssuerClient;
  readonly #options: ResolvedOptions;
  #keySet: Promise<RemoteJWKSet> | undefined;
  #fetchedAtMs = Number.NEGATIVE_INFINITY;
  #failure: { readonly error: unknown; readonly untilMs: number } | undefined;

  constructor(client: IssuerClient, options: ResolvedOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** @throws `ERR_VERIFY_KEY`, `ERR_VERIFY_SIGNATURE`, `ERR_VERIFY_UNAVAILABLE` */
  async prove({ header, token }: ParsedToken): Promise<void> {
    const key = await this.#key(header, token);
    try {
      await compactVerify(token.value, key, { algorithms: [...this.#options.algorithms] });
    } catch (cause) {
      throw new TokenVerificationError(
        'ERR_VERIFY_SIGNATURE',
        'The signature of the token is not that of its issuer: the token was changed, or made by somebody else.',
        { cause },
      );
    }
  }

  async #key(header: TokenHeader, token: BoundToken): Promise<Awaited<ReturnType<RemoteJWKSet>>> {
    this.#keySet ??= this.#discover().catch((error) => {
      this.#keySet = undefined;
      throw error;
    });
    const keySet = await this.#keySet;
    const ageMs = Date.now() - this.#fetchedAtMs;
    try {
      if (keySet.jwks() !== undefined && ageMs > REFRESH_AFTER_MS) {
        // Keys that were withdrawn meanwhile may be used until this is done; those of an hour ago are not.
        const reloaded = keySet.reload();
        if (ageMs > USABLE_FOR_MS) await reloaded;
        else reloaded.catch(() => undefined);
      }
      return await keySet({ ...header });
    } catch (cause) {
      if (cause instanceof TokenVerificationError) throw cause;
      if (isUnknownKey(cause)) {
        throw new TokenVerificationError(
          'ERR_VERIFY_KEY',
          `The issuer ${JSON.stringify(token.issuer)} does not publish the key that the token says it is signed with.`,
          { claim: 'kid', cause },
        );
      }
      throw new TokenVerificationError('ERR_VERIFY_UNAVAILABLE', 'The keys of the issuer cannot be used.', { cause });
    }
  }

  /** Finds the key set: OpenID Connect Discovery 1.0 section 4. */
  async #discover(): Promise<RemoteJWKSet> {
    const { server, isApiServer, issuer } = this.#options;
    const url = urlUnder(server, '/.well-known/openid-configuration');
    const { issuer: published, jwks_uri: uri } = await this.#fetch(url);
    // Section 4.3: the issuer MUST be identical, or this document speaks for somebody else.
    if (published !== issuer) {
      throw unavailable(
        url,
        `it is of the issuer ${JSON.stringify(published)?.slice(0, 200)}, not ${JSON.stringify(issuer)}`,
      );
    }
    const keysUrl = isApiServer ? urlUnder(server, '/openid/v1/jwks') : this.#publishedUrl(url, uri);
    return createRemoteJWKSet(keysUrl, {
      // Freshness is up to this class: jose would drop good keys when a refresh fails.
      cacheMaxAge: Number.POSITIVE_INFINITY,
      cooldownDuration: REFETCH_PAUSE_MS,
      [customFetch]: async () => {
        const keys = await this.#fetch(keysUrl);
        this.#fetchedAtMs = Date.now();
        return Response.json(keys);
      },
    });
  }

  #publishedUrl(discovery: URL, uri: unknown): URL {
    const url = typeof uri === 'string' && URL.canParse(uri) ? new URL(uri) : undefined;
    // Clear text only from a server that is itself asked in clear text, which is one on this machine.
    if (url?.protocol === 'https:' || (url !== undefined && url.origin === this.#options.server.origin)) return url;
    throw unavailable(discovery, 'its "jwks_uri" is no URL with https');
  }

  /** Fetches a document; fails at once for a while after a failure. */
  async #fetch(url: URL): Promise<Record<string, unknown>> {
    if (this.#failure !== undefined && Date.now() < this.#failure.untilMs) throw this.#failure.error;
    try {
      const response = await this.#client.request('GET', url);
      if (response.status !== 200) throw unavailable(url, refusal(response));
      const document = JSON.parse(response.text);
      if (typeof document !== 'object' || document === null) throw unavailable(url, 'it is no JSON object');
      this.#failure = undefined;
      return document;
    } catch (cause) {
      const error = cause instanceof SyntaxError ? unavailable(url, 'it is no JSON') : cause;
      this.#failure = { error, untilMs: Date.now() + FAILURE_PAUSE_MS };
      throw error;
    }
  }
}

function refusal({ status }: HttpAnswer): string {
  const cure =
    status === 401 || status === 403
      ? '. Give the verifier a token in the option "bearer", of a service account that may read it (cluster role system:service-account-issuer-discovery)'
      : '';
  return `the answer is ${status}${cure}`;
}

function unavailable(url: URL, why: string): TokenVerificationError {
  return new TokenVerificationError('ERR_VERIFY_UNAVAILABLE', `${url.origin}${url.pathname} cannot be used: ${why}.`);
}

function isUnknownKey(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ERR_JWKS_NO_MATCHING_KEY' || code === 'ERR_JWKS_MULTIPLE_MATCHING_KEYS';
}
