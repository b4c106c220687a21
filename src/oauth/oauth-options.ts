import type { ClientAuth } from 'oauth4webapi';
import { AllowedOrigins, parseUrl } from '../carry/allowed-origins.js';
import { InvalidOptionError } from '../errors.js';
import { type ExchangeLimits, type ExchangeOptions, resolveExchangeOptions } from '../exchange/exchange-options.js';
import { requiredSource } from '../exchange/source-token.js';
import { type ConnectionOptions, resolveConnectionOptions } from '../internal/connection-options.js';
import { numberIn, requiredText } from '../internal/option-checks.js';
import type { TokenSource } from '../token-source.js';

/**
 * How the service account token is used:
 *
 * - `client-credentials`: as the client assertion of the client credentials grant (RFC 7523 section 2.2);
 * - `jwt-bearer`: as the authorization grant (RFC 7523 section 2.1);
 * - `token-exchange`: as subject token or actor token (RFC 8693).
 */
export type OAuthGrantType = 'client-credentials' | 'jwt-bearer' | 'token-exchange';

/** Options of {@link OAuthTokenProvider.open}. */
export interface OAuthTokenProviderOptions extends ConnectionOptions, ExchangeOptions {
  /**
   * Issuer identifier of the authorization server, such as `https://keycloak.internal/realms/shop`. Its metadata name the token
   * endpoint (OpenID Connect Discovery, RFC 8414).
   *
   * @default none; `tokenEndpoint` is required then
   */
  readonly issuer?: string | URL | undefined;
  /**
   * Token endpoint, for a server without metadata.
   *
   * @default the token endpoint in the metadata of `issuer`
   */
  readonly tokenEndpoint?: string | URL | undefined;
  /** Source of the service account token; called at each exchange. */
  readonly source: TokenSource;
  /** How the service account token is used. */
  readonly grant: OAuthGrantType;
  /**
   * The client id at the authorization server.
   *
   * @default none; some servers know the client by the subject of the token
   */
  readonly clientId?: string | undefined;
  /**
   * How the client authenticates: `client-assertion`, with the service account token (RFC 7523 section 2.2); `none`, with its
   * `clientId` only, if set; or a function of oauth4webapi, such as `ClientSecretBasic(secret)`, which needs `clientId`.
   *
   * @default 'client-assertion' for the grant `client-credentials`, 'none' for the others
   */
  readonly clientAuthentication?: 'client-assertion' | 'none' | ClientAuth | undefined;
  /**
   * Scopes to ask for.
   *
   * @default what the server gives
   */
  readonly scope?: string | readonly string[] | undefined;
  /**
   * Names of the services that the token is for (RFC 8693 section 2.1).
   *
   * @default what the server gives
   */
  readonly audience?: string | readonly string[] | undefined;
  /**
   * URIs of the services that the token is for (RFC 8707).
   *
   * @default what the server gives
   */
  readonly resource?: string | URL | readonly (string | URL)[] | undefined;
  /**
   * Type of the token to ask for, such as `urn:ietf:params:oauth:token-type:access_token`. For the grant `token-exchange` only.
   *
   * @default what the server gives
   */
  readonly requestedTokenType?: string | undefined;
  /**
   * Source of the subject token, which identifies whom this program acts for. The service account token is then the actor token, or the
   * client assertion if `clientAuthentication` says so. For the grant `token-exchange` only.
   *
   * @default none; the service account token is the subject token
   */
  readonly subjectSource?: TokenSource | undefined;
  /**
   * Type of the subject token. For the grant `token-exchange` only.
   *
   * @default 'urn:ietf:params:oauth:token-type:jwt' for the service account token, '…:access_token' with `subjectSource`
   */
  readonly subjectTokenType?: string | undefined;
  /**
   * Additional parameters of the token request, for servers that need more than the standards have.
   *
   * @default none
   */
  readonly parameters?: Readonly<Record<string, string>> | undefined;
  /**
   * Life of a token in seconds, if neither the server (`expires_in`) nor the token (claim `exp`) says it; from 1 to 31 536 000.
   *
   * @default 300
   */
  readonly defaultLifetimeSeconds?: number | undefined;
  /**
   * Origins with `http:` that may get tokens although they are not loopback, such as `http://keycloak.auth.svc:8080` in a service mesh.
   * Origins with `https:` need not be listed.
   *
   * @default none
   */
  readonly origins?: readonly (string | URL)[] | undefined;
}

/** The options with every default filled in. */
export interface ResolvedOAuthOptions extends ExchangeLimits {
  /** Undefined if only `tokenEndpoint` is set. */
  readonly issuer: URL | undefined;
  readonly tokenEndpoint: URL | undefined;
  readonly source: TokenSource;
  readonly grant: OAuthGrantType;
  readonly clientId: string | undefined;
  readonly clientAuthentication: 'client-assertion' | 'none' | ClientAuth;
  /** Parameters of every request, whatever the token. */
  readonly parameters: URLSearchParams;
  readonly subjectSource: TokenSource | undefined;
  readonly subjectTokenType: string;
  readonly defaultLifetimeSeconds: number;
  readonly connection: ConnectionOptions;
  /** Throws `ERR_TOKEN_ORIGIN` for an address that would get a token in clear text. */
  readonly assertSecure: (url: URL) => void;
}

const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt';
const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';
const YEAR_SECONDS = 365 * 24 * 60 * 60;

/** Parameters that the grants set themselves. */
const RESERVED = /^(grant_type|assertion|client_(id|secret|assertion(_type)?)|(subject|actor)_token(_type)?)$/;

/** Checks the options and fills in the defaults; throws `ERR_TOKEN_OPTION`, `ERR_TOKEN_ORIGIN`. */
export function resolveOAuthOptions(options: OAuthTokenProviderOptions): ResolvedOAuthOptions {
  const { grant, clientId, origins, subjectSource, subjectTokenType } = options;
  const issuer = addressOf('issuer', options.issuer);
  const tokenEndpoint = addressOf('tokenEndpoint', options.tokenEndpoint);
  if (issuer === undefined && tokenEndpoint === undefined) {
    throw invalid('issuer', 'is missing: set it, or "tokenEndpoint", to the address of the authorization server');
  }
  if (!['client-credentials', 'jwt-bearer', 'token-exchange'].includes(grant)) {
    throw invalid('grant', 'must be "client-credentials", "jwt-bearer" or "token-exchange"');
  }
  if (clientId !== undefined) requiredText('clientId', clientId, 'the identifier of the client');
  if (grant !== 'token-exchange') {
    for (const option of ['requestedTokenType', 'subjectSource', 'subjectTokenType'] as const) {
      if (options[option] !== undefined) throw invalid(option, 'is for the grant "token-exchange" only');
    }
  }
  const assertSecure = (url: URL) => void new AllowedOrigins(origins, url.href);
  for (const url of [issuer, tokenEndpoint]) if (url !== undefined) assertSecure(url);
  return {
    issuer,
    tokenEndpoint,
    source: requiredSource('source', options.source),
    grant,
    clientId,
    clientAuthentication: clientAuthenticationOf(options),
    parameters: parametersOf(options),
    subjectSource: subjectSource && requiredSource('subjectSource', subjectSource),
    subjectTokenType: subjectTokenType ?? (subjectSource === undefined ? JWT_TYPE : ACCESS_TOKEN_TYPE),
    defaultLifetimeSeconds: numberIn('defaultLifetimeSeconds', options.defaultLifetimeSeconds, 300, 1, YEAR_SECONDS),
    connection: resolveConnectionOptions(options),
    assertSecure,
    ...resolveExchangeOptions(options),
  };
}

function clientAuthenticationOf({ grant, clientId, clientAuthentication }: OAuthTokenProviderOptions) {
  if (
    grant === 'client-credentials' &&
    clientAuthentication !== undefined &&
    clientAuthentication !== 'client-assertion'
  ) {
    throw invalid('clientAuthentication', 'must be "client-assertion" for the grant "client-credentials", or left out');
  }
  if (typeof clientAuthentication === 'function' && clientId === undefined) {
    throw invalid('clientId', 'is missing: "clientAuthentication" is a function of oauth4webapi, which needs it');
  }
  const known = [undefined, 'client-assertion', 'none'] as unknown[];
  if (typeof clientAuthentication !== 'function' && !known.includes(clientAuthentication)) {
    throw invalid('clientAuthentication', 'must be "client-assertion", "none" or a function of oauth4webapi');
  }
  return clientAuthentication ?? (grant === 'client-credentials' ? 'client-assertion' : 'none');
}

function parametersOf(options: OAuthTokenProviderOptions): URLSearchParams {
  const { scope, audience, resource, requestedTokenType, parameters = {} } = options;
  const reserved = Object.keys(parameters).find((name) => RESERVED.test(name));
  if (reserved !== undefined) throw invalid('parameters', `must not hold "${reserved}", which the grant sets`);
  const all = new URLSearchParams(parameters);
  const scopes = textsOf('scope', scope);
  if (scopes.length > 0) all.set('scope', scopes.join(' '));
  for (const name of textsOf('audience', audience)) all.append('audience', name);
  for (const uri of textsOf('resource', resource)) all.append('resource', uri);
  for (const type of textsOf('requestedTokenType', requestedTokenType)) all.set('requested_token_type', type);
  return all;
}

function textsOf(option: string, value: string | URL | readonly (string | URL)[] | undefined): string[] {
  const texts = [value ?? []].flat().map(String);
  if (texts.some((text) => text === '')) throw invalid(option, 'must hold no empty text');
  return texts;
}

function addressOf(option: string, value: string | URL | undefined): URL | undefined {
  if (value === undefined) return undefined;
  const url = parseUrl(String(value));
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.username + url.password + url.hash === '') return url;
  throw invalid(
    option,
    'must be an http: or https: address without credentials, such as https://keycloak.internal/realms/shop',
  );
}

function invalid(option: string, what: string): InvalidOptionError {
  return new InvalidOptionError(option, `The option "${option}" ${what}.`);
}
