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

/** A request for a token: what differs from one to the next. */
export interface TokenRequest {
  /** The parameter `grant_type`. */
  readonly grantType: string;
  readonly parameters: URLSearchParams;
  readonly authentication: ClientAuth;
}

/** The answer to a request for a token: a token, or why there is none. */
export type TokenAnswer =
  | { readonly token: TokenEndpointResponse }
  | { readonly token: undefined; readonly refusal: HttpAnswer; readonly endpoint: URL };

/**
 * Requests to an authorization server: its metadata, and tokens. The protocol is that of oauth4webapi; what it sends goes through the
 * HTTP client of this library, with its time limits, its certificates that rotate, and its proxies.
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
   * Asks for a token. The metadata of the server are read before the first request, and again after a request that failed: the server
   * may have moved.
   *
   * @throws `ERR_EXCHANGE_UNAVAILABLE` when there is no answer; `ERR_EXCHANGE_INVALID` for an answer that is none of an authorization
   * server; `ERR_TOKEN_ORIGIN` where its metadata name an endpoint to which the token would go in clear text
   */
  async requestToken(
    { grantType, parameters, authentication }: TokenRequest,
    signal: AbortSignal,
  ): Promise<TokenAnswer> {
    const server = await this.#server(signal);
    this.#discovered = undefined;
    // For those that know the client by the subject of the token; oauth4webapi wants to know its name all the same.
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

  /** Ends the connections. Never rejects. */
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

  /** Where a server has no document of OpenID Connect, it may have the one of OAuth 2.0 (RFC 8414 section 3). */
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

/** What oauth4webapi is told of how to send a request. */
interface FetchOptions {
  readonly [customFetch]: (url: string, options: SentByLibrary) => Promise<Response>;
  readonly [allowInsecureRequests]: true;
}

interface SentByLibrary {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: unknown;
}

/** Sends requests that oauth4webapi makes, and keeps the last answer. */
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
        // Decided here, by the options.
        [allowInsecureRequests]: true,
      });
    } catch (error) {
      if (isProjectedTokenError(error)) throw error;
      // What it threw may hold a secret of the client.
      throw new TokenExchangeError(
        'ERR_EXCHANGE_INVALID',
        'The request for a token cannot be made: the function of the option "clientAuthentication" failed.',
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
      // Whatever else it is, it is the reason of the signal.
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
