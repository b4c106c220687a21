import {
  type AuthorizationServer,
  allowInsecureRequests,
  type Client,
  type ClientAuth,
  customFetch,
  discoveryRequest,
  genericTokenEndpointRequest,
  processDiscoveryResponse,
  processGenericTokenEndpointResponse,
  type TokenEndpointResponse,
} from 'oauth4webapi';
import { TokenExchangeError } from '../errors.js';
import { type HttpAnswer, HttpClient } from '../internal/http-client.js';
import { HttpError } from '../internal/http-error.js';
import { isProjectedTokenError } from '../internal/is-projected-token-error.js';
import { badAnswer, badMetadata } from './oauth-answer-error.js';
import type { ResolvedOAuthOptions } from './oauth-options.js';

/** The parts of a token request that differ from one to the next. */
export interface TokenRequest {
  /** The parameter `grant_type`. */
  readonly grantType: string;
  readonly parameters: URLSearchParams;
  readonly authentication: ClientAuth;
}

/** The answer to a token request: a token, or a refusal. */
export type TokenAnswer =
  | { readonly token: TokenEndpointResponse }
  | { readonly token: undefined; readonly refusal: HttpAnswer; readonly endpoint: URL };

/**
 * Sends requests to an authorization server, for metadata and tokens. oauth4webapi does the protocol; the HTTP client of this library
 * does time limits, rotating certificates and proxies.
 */
export class OAuthConnection {
  readonly #options: ResolvedOAuthOptions;
  readonly #client: HttpClient;
  #discovered: AuthorizationServer | undefined;

  constructor(options: ResolvedOAuthOptions) {
    this.#options = options;
    this.#client = new HttpClient({ ...options.connection, timeoutMs: options.timeoutMs });
  }

  /**
   * Requests a token. The metadata of the server are read before the first request, and again after a failed one, as the server may have
   * moved.
   *
   * @throws `ERR_EXCHANGE_UNAVAILABLE` if there is no answer; `ERR_EXCHANGE_INVALID` if the answer is not one of an authorization server;
   * `ERR_TOKEN_ORIGIN` if the metadata name an endpoint that would get the token in clear text
   */
  async requestToken(
    { grantType, parameters, authentication }: TokenRequest,
    signal: AbortSignal,
  ): Promise<TokenAnswer> {
    const server = await this.#server(signal);
    this.#discovered = undefined;
    // Some servers know the client by the subject of the token; oauth4webapi requires an id all the same.
    const client: Client = {
      client_id: this.#options.clientId ?? 'service-account',
      use_mtls_endpoint_aliases: this.#options.connection.clientCertificate !== undefined,
    };
    const exchange = new HttpTrip(this.#client, this.#options, signal);
    const response = await exchange.run((options) =>
      genericTokenEndpointRequest(server, client, authentication, grantType, parameters, options),
    );
    const { answer, url } = exchange;
    if (answer.status !== 200) return { token: undefined, refusal: answer, endpoint: url };
    const recognizedTokenTypes = { n_a: () => undefined };
    try {
      const token = await processGenericTokenEndpointResponse(server, client, response, { recognizedTokenTypes });
      this.#discovered = server;
      return { token };
    } catch (error) {
      throw badAnswer(url, error);
    }
  }

  /** Closes the connections. Never rejects. */
  close(): Promise<void> {
    return this.#client.close();
  }

  async #server(signal: AbortSignal): Promise<AuthorizationServer> {
    const { issuer, tokenEndpoint } = this.#options;
    if (tokenEndpoint !== undefined) {
      return { issuer: (issuer ?? tokenEndpoint).href, token_endpoint: tokenEndpoint.href };
    }
    return this.#discovered ?? this.#discover(issuer!, signal);
  }

  /** Tries the document of OpenID Connect first, then that of OAuth 2.0 (RFC 8414 section 3). */
  async #discover(issuer: URL, signal: AbortSignal): Promise<AuthorizationServer> {
    const exchange = new HttpTrip(this.#client, this.#options, signal);
    const ask = (algorithm: 'oidc' | 'oauth2') =>
      exchange.run((options) => discoveryRequest(issuer, { ...options, algorithm }));
    let response = await ask('oidc');
    const first = exchange.url;
    if (response.status === 404) response = await ask('oauth2');
    try {
      const server = await processDiscoveryResponse(issuer, response);
      if (typeof server.token_endpoint !== 'string' || !URL.canParse(server.token_endpoint)) {
        throw new Error('there is no "token_endpoint" among them');
      }
      return server;
    } catch (error) {
      throw badMetadata(issuer, exchange.answer.status === 404 ? first : exchange.url, exchange.answer, error);
    }
  }
}

/** The options by which oauth4webapi sends a request. */
interface FetchOptions {
  readonly [customFetch]: (url: string, options: SentByLibrary) => Promise<Response>;
  readonly [allowInsecureRequests]: true;
}

interface SentByLibrary {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: unknown;
}

/** Sends the requests of oauth4webapi, and keeps the last answer. */
class HttpTrip {
  answer!: HttpAnswer;
  url!: URL;

  constructor(
    private readonly client: HttpClient,
    private readonly options: ResolvedOAuthOptions,
    private readonly signal: AbortSignal,
  ) {}

  async run(request: (options: FetchOptions) => Promise<Response>): Promise<Response> {
    try {
      return await request({
        [customFetch]: (url, sent) => this.#send(new URL(url), sent),
        // `assertSecure` of the options decides this.
        [allowInsecureRequests]: true,
      });
    } catch (error) {
      if (isProjectedTokenError(error)) throw error;
      // Without the cause, which may hold a secret of the client.
      throw new TokenExchangeError(
        'ERR_EXCHANGE_INVALID',
        'The token request cannot be made: the function in the option "clientAuthentication" threw an error. Check its secret or key.',
      );
    }
  }

  async #send(url: URL, { method, headers, body }: SentByLibrary): Promise<Response> {
    this.options.assertSecure(url);
    this.url = url;
    const { 'content-type': _type, 'user-agent': _agent, accept: _accept, ...others } = headers;
    const form = body === undefined || body === null ? undefined : (body as URLSearchParams);
    try {
      this.answer = await this.client.send({
        method: method as 'GET' | 'POST',
        url,
        headers: others,
        form,
        signal: this.signal,
      });
    } catch (cause) {
      // Anything else is the reason of the signal.
      const failure = cause instanceof HttpError ? cause : new HttpError('the request was aborted.');
      const message = `Cannot reach the authorization server at ${url.origin}: ${failure.message}`;
      throw new TokenExchangeError('ERR_EXCHANGE_UNAVAILABLE', message, { cause, isRetryable: !failure.isPermanent });
    }
    const { status, text } = this.answer;
    const type = this.answer.headers['content-type'];
    return new Response(text === '' ? null : text, {
      status,
      headers: type === undefined ? {} : { 'content-type': type },
    });
  }
}
