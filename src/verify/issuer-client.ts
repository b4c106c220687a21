import { type JsonAnswer, JsonConnection } from '../internal/json-connection.js';
import type { TokenSource } from '../token-source.js';
import { TokenVerificationError } from './token-verification-error.js';
import type { ResolvedOptions } from './token-verifier-options.js';

/** Requests to the issuer or the API server. The token of this service goes to one origin only. */
export class IssuerClient {
  readonly #connection: JsonConnection;
  readonly #bearer: TokenSource | undefined;
  readonly #bearerOrigin: string;

  constructor({ server, ca, bearer, timeoutMs }: Pick<ResolvedOptions, 'server' | 'ca' | 'bearer' | 'timeoutMs'>) {
    this.#connection = new JsonConnection({ ca, timeoutMs });
    this.#bearer = bearer;
    this.#bearerOrigin = server.origin;
  }

  /**
   * Sends a request; with the bearer, and once more with a fresh one after a 401, when it goes to the server of the options.
   *
   * @throws `ERR_VERIFY_UNAVAILABLE` when there is no answer
   */
  async request(method: 'GET' | 'POST', url: URL, json?: unknown): Promise<JsonAnswer> {
    try {
      const bearer = url.origin === this.#bearerOrigin ? this.#bearer : undefined;
      if (bearer === undefined) return await this.#send(method, url, json, undefined);
      const token = await bearer.getToken();
      const response = await this.#send(method, url, json, token);
      if (response.status !== 401) return response;
      const replacement = await bearer.replaceToken(token);
      return replacement === undefined ? response : await this.#send(method, url, json, replacement);
    } catch (cause) {
      throw new TokenVerificationError(
        'ERR_VERIFY_UNAVAILABLE',
        `${url.origin}${url.pathname} could not be asked; the cause says why. Check the address, the network policy and the options "ca" and "bearer".`,
        { cause },
      );
    }
  }

  #send(method: 'GET' | 'POST', url: URL, json: unknown, token: string | undefined): Promise<JsonAnswer> {
    const headers = {
      Accept: 'application/json, application/jwk-set+json',
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    };
    return this.#connection.send({ method, url, headers, json });
  }
}
