import { type HttpAnswer, HttpClient } from '../internal/http-client.js';
import { HttpError } from '../internal/http-error.js';
import type { TokenSource } from '../token-source.js';
import { TokenVerificationError } from './token-verification-error.js';
import type { ResolvedOptions } from './token-verifier-options.js';

/** Requests to the issuer or the API server. The token of this service goes to one origin only. */
export class IssuerClient {
  readonly #client: HttpClient;
  readonly #bearer: TokenSource | undefined;
  readonly #bearerOrigin: string;

  constructor({
    server,
    connection,
    bearer,
    timeoutMs,
  }: Pick<ResolvedOptions, 'server' | 'connection' | 'bearer' | 'timeoutMs'>) {
    this.#client = new HttpClient({ ...connection, timeoutMs });
    this.#bearer = bearer;
    this.#bearerOrigin = server.origin;
  }

  /**
   * Sends a request; with the bearer, and once more with a fresh one after a 401, when it goes to the server of the options.
   *
   * @throws `ERR_VERIFY_UNAVAILABLE` when there is no answer
   */
  async request(method: 'GET' | 'POST', url: URL, json?: unknown): Promise<HttpAnswer> {
    try {
      const bearer = url.origin === this.#bearerOrigin ? this.#bearer : undefined;
      if (bearer === undefined) return await this.#send(method, url, json, undefined);
      const token = await bearer.getToken();
      const response = await this.#send(method, url, json, token);
      if (response.status !== 401) return response;
      const replacement = await bearer.replaceToken(token);
      return replacement === undefined ? response : await this.#send(method, url, json, replacement);
    } catch (cause) {
      const address = url.origin + url.pathname;
      const message =
        cause instanceof HttpError
          ? `Cannot reach ${address}: ${cause.message}`
          : `Cannot ask ${address}: the option "bearer" gave no token. Its error is the cause of this one.`;
      throw new TokenVerificationError('ERR_VERIFY_UNAVAILABLE', message, { cause });
    }
  }

  #send(method: 'GET' | 'POST', url: URL, json: unknown, token: string | undefined): Promise<HttpAnswer> {
    const headers = {
      Accept: 'application/json, application/jwk-set+json',
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    };
    return this.#client.send({ method, url, headers, json });
  }
}
