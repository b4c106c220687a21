import { type ClientAuth, None } from 'oauth4webapi';
import type { ExchangeIdentity } from '../exchange/exchange-figures.js';
import type { Exchange } from '../exchange/exchange-provider.js';
import { exchangeNewest, tokenFrom } from '../exchange/source-token.js';
import { OAuthConnection, type TokenRequest } from './oauth-connection.js';
import { grantOf, type OAuthGrant } from './oauth-grant.js';
import type { ResolvedOAuthOptions } from './oauth-options.js';
import { refusalError } from './oauth-refusal.js';

const JWT_BEARER_ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt';

/** Exchanges a service account token for a token of an authorization server. */
export class OAuthExchange implements Exchange<OAuthGrant> {
  readonly identity: ExchangeIdentity;
  readonly #options: ResolvedOAuthOptions;
  readonly #connection: OAuthConnection;

  constructor(options: ResolvedOAuthOptions) {
    const { issuer, tokenEndpoint, grant, clientId, parameters } = options;
    const server = (issuer ?? tokenEndpoint!).origin;
    // Only these: other parameters may hold secrets.
    const targets = ['audience', 'resource', 'scope'].flatMap((name) => parameters.getAll(name));
    this.identity = {
      kind: 'oauth',
      server,
      identity: [grant, ...(clientId === undefined ? [] : [clientId]), ...targets].join(' '),
    };
    this.#options = options;
    this.#connection = new OAuthConnection(options);
  }

  /** @throws `ERR_EXCHANGE_DENIED`, `ERR_EXCHANGE_INVALID`, `ERR_EXCHANGE_UNAVAILABLE`, `ERR_TOKEN_ORIGIN`; what a source throws */
  obtain(_inUse: OAuthGrant | undefined, signal: AbortSignal): Promise<OAuthGrant> {
    const { source, timeoutMs } = this.#options;
    return exchangeNewest(source, (jwt) => this.#exchange(jwt, signal), timeoutMs, signal);
  }

  /** Closes the connections. */
  end(): Promise<void> {
    return this.#connection.close();
  }

  async #exchange(jwt: string, signal: AbortSignal): Promise<OAuthGrant> {
    const { subjectSource, timeoutMs, defaultLifetimeSeconds } = this.#options;
    const subject = subjectSource && (await tokenFrom(subjectSource, timeoutMs, signal));
    const askedAtMs = Date.now();
    const answer = await this.#connection.requestToken(this.#requestWith(jwt, subject), signal);
    if (answer.token !== undefined) return grantOf(answer.token, askedAtMs, defaultLifetimeSeconds);
    const { refusal, endpoint } = answer;
    throw refusalError({ answer: refusal, endpoint, jwt, secrets: [jwt, subject ?? ''] }, this.#options);
  }

  #requestWith(jwt: string, subject: string | undefined): TokenRequest {
    const { grant } = this.#options;
    const parameters = new URLSearchParams(this.#options.parameters);
    const authentication = this.#authenticationBy(jwt);
    switch (grant) {
      case 'client-credentials':
        return { grantType: 'client_credentials', parameters, authentication };
      case 'jwt-bearer':
        parameters.set('assertion', jwt);
        return { grantType: 'urn:ietf:params:oauth:grant-type:jwt-bearer', parameters, authentication };
      case 'token-exchange':
        this.#setTokens(parameters, jwt, subject);
        return { grantType: 'urn:ietf:params:oauth:grant-type:token-exchange', parameters, authentication };
    }
  }

  /** RFC 8693 section 2.1. */
  #setTokens(parameters: URLSearchParams, jwt: string, subject: string | undefined): void {
    const { clientAuthentication, subjectTokenType } = this.#options;
    parameters.set('subject_token', subject ?? jwt);
    parameters.set('subject_token_type', subjectTokenType);
    // A client that authenticates with the token is the actor already.
    if (subject === undefined || clientAuthentication === 'client-assertion') return;
    parameters.set('actor_token', jwt);
    parameters.set('actor_token_type', JWT_TYPE);
  }

  #authenticationBy(jwt: string): ClientAuth {
    const { clientAuthentication, clientId } = this.#options;
    if (typeof clientAuthentication === 'function') return clientAuthentication;
    return (server, client, body, headers) => {
      if (clientId !== undefined) None()(server, client, body, headers);
      if (clientAuthentication === 'none') return;
      body.set('client_assertion_type', JWT_BEARER_ASSERTION);
      body.set('client_assertion', jwt);
    };
  }
}
