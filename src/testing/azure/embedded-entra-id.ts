import { randomBytes, randomUUID } from 'node:crypto';
import { checkFederatedToken, type TrustedIssuer } from '../federated-token.js';
import { FederationServer } from '../federation-server.js';
import { createLoopbackCertificate } from '../loopback-certificate.js';
import type { LoopbackRequest, LoopbackResponse } from '../loopback-server.js';

/** Options of {@link EmbeddedEntraId.start}. */
export interface EmbeddedEntraIdOptions {
  /** The cluster whose tokens are accepted: the issuer of the federated identity credential. */
  readonly trust: TrustedIssuer;
  /** Subject of the federated identity credential. @default any */
  readonly subject?: string;
  /** Audience of the federated identity credential. @default `api://AzureADTokenExchange` */
  readonly audience?: string;
}

/** An error that Entra ID answers with. */
export interface EntraIdError {
  /** OAuth 2.0 error code (RFC 6749 section 5.2), such as `invalid_client`. */
  readonly error: string;
  /** Number of the AADSTS code, such as 700024. */
  readonly code: number;
  readonly message: string;
  readonly status: number;
}

const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/**
 * A stand-in for Microsoft Entra ID on 127.0.0.1, over TLS because its clients refuse anything else: OpenID discovery,
 * and the client credentials flow with a federated identity credential. It checks what Entra ID checks: issuer,
 * signature, audience, subject and expiry of the client assertion.
 *
 * @example
 * ```ts
 * const entra = await EmbeddedEntraId.start({ trust: issuer });
 * const credential = new ClientAssertionCredential(entra.tenantId, entra.clientId, clientAssertion(source), {
 *   authorityHost: entra.origin,
 *   disableInstanceDiscovery: true,
 *   tlsOptions: { ca: entra.ca },
 * });
 * await entra.close();
 * ```
 */
export class EmbeddedEntraId extends FederationServer<EntraIdError> {
  readonly #options: EmbeddedEntraIdOptions;
  readonly #accessTokens = new Map<string, number>();
  /** The only tenant. */
  readonly tenantId: string = randomUUID();
  /** The only application. */
  readonly clientId: string = randomUUID();
  /** The CA certificate that clients must trust, in PEM. */
  readonly ca: string;
  /** How many requests of any kind came in. */
  requests = 0;

  private constructor(options: EmbeddedEntraIdOptions, ca: string) {
    super();
    this.#options = options;
    this.ca = ca;
  }

  static async start(options: EmbeddedEntraIdOptions): Promise<EmbeddedEntraId> {
    const certificate = createLoopbackCertificate();
    return new EmbeddedEntraId(options, certificate.cert).listen(certificate);
  }

  /** Whether this is an access token that was given out, and is still valid. */
  accepts(accessToken: string): boolean {
    return (this.#accessTokens.get(accessToken) ?? 0) > Date.now();
  }

  protected async handle(request: LoopbackRequest): Promise<LoopbackResponse> {
    this.requests += 1;
    const [, tenant, ...rest] = request.url.pathname.split('/');
    if (tenant !== this.tenantId) {
      return refuse({
        error: 'invalid_request',
        code: 90002,
        message: `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID.`,
        status: 400,
      });
    }
    switch (`${request.method} ${rest.join('/')}`) {
      case 'GET v2.0/.well-known/openid-configuration':
        return json(200, this.#openidConfiguration());
      case 'POST oauth2/v2.0/token':
        return this.#token(new URLSearchParams(request.body));
      default:
        return { status: 404 };
    }
  }

  #openidConfiguration(): Record<string, unknown> {
    const tenant = `${this.origin}/${this.tenantId}`;
    return {
      issuer: `${tenant}/v2.0`,
      authorization_endpoint: `${tenant}/oauth2/v2.0/authorize`,
      token_endpoint: `${tenant}/oauth2/v2.0/token`,
      jwks_uri: `${tenant}/discovery/v2.0/keys`,
      token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
      response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
      subject_types_supported: ['pairwise'],
      id_token_signing_alg_values_supported: ['RS256'],
      tenant_region_scope: null,
    };
  }

  protected codeOf(refusal: EntraIdError): string {
    return `AADSTS${refusal.code}`;
  }

  async #token(form: URLSearchParams): Promise<LoopbackResponse> {
    const assertion = form.get('client_assertion') ?? '';
    const refusal = await this.decide(assertion, () => this.#refusalOf(form, assertion));
    if (refusal !== undefined) return refuse(refusal);
    // The default lifetime is a random value of 60 to 90 minutes ("Access tokens in the Microsoft identity platform").
    const seconds = 3600 + Math.floor(Math.random() * 1800);
    const accessToken = randomBytes(48).toString('base64url');
    this.#accessTokens.set(accessToken, Date.now() + seconds * 1000);
    return json(200, {
      token_type: 'Bearer',
      expires_in: seconds,
      ext_expires_in: seconds,
      access_token: accessToken,
    });
  }

  async #refusalOf(form: URLSearchParams, assertion: string): Promise<EntraIdError | undefined> {
    const { trust, subject, audience = 'api://AzureADTokenExchange' } = this.#options;
    if (form.get('grant_type') !== 'client_credentials') {
      return badRequest('unsupported_grant_type', 70003, 'The app requested an unsupported grant type.');
    }
    if (form.get('client_id') !== this.clientId) {
      return badRequest(
        'unauthorized_client',
        700016,
        `Application with identifier '${form.get('client_id')}' was not found.`,
      );
    }
    if (!/^\S+\/\.default( |$)/.test(form.get('scope') ?? '')) {
      return badRequest('invalid_scope', 1002012, `The provided value for scope ${form.get('scope')} is not valid.`);
    }
    if (form.get('client_assertion_type') !== JWT_BEARER) {
      return badClient(7000216, "'client_assertion', 'client_secret' or 'request' is required.");
    }
    const { claims, fault } = await checkFederatedToken(assertion, trust, [audience]);
    const noMatch = 'No matching federated identity record found for presented assertion';
    switch (fault) {
      case 'malformed':
        return badClient(50027, 'JWT token is invalid or malformed.');
      case 'issuer':
        return badClient(700211, `${noMatch} issuer '${claims.iss}'.`);
      case 'signature':
        return badClient(700027, 'Client assertion failed signature validation.');
      case 'audience':
        return badClient(700212, `${noMatch} audience '${[claims.aud].flat().join(', ')}'.`);
      case 'expired':
        return badClient(700024, expiredMessage(claims));
    }
    if (subject !== undefined && claims.sub !== subject) {
      return badClient(700213, `${noMatch} subject '${claims.sub}'.`);
    }
    return undefined;
  }
}

function badRequest(error: string, code: number, message: string): EntraIdError {
  return { error, code, message, status: 400 };
}

function badClient(code: number, message: string): EntraIdError {
  return { error: 'invalid_client', code, message, status: 401 };
}

function expiredMessage(claims: { nbf?: number; exp?: number }): string {
  const [from, until] = [claims.nbf ?? 0, claims.exp ?? 0].map((seconds) => new Date(seconds * 1000).toISOString());
  return (
    `Client assertion is not within its valid time range. Current time: ${new Date().toISOString()}, ` +
    `assertion valid from ${from}, expiry time of assertion ${until}.`
  );
}

function refuse({ error, code, message, status }: EntraIdError): LoopbackResponse {
  const [traceId, correlationId] = [randomUUID(), randomUUID()];
  const timestamp = `${new Date().toISOString().slice(0, 19).replace('T', ' ')}Z`;
  const trailer = `Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`;
  return json(status, {
    error,
    error_description: `AADSTS${code}: ${message} ${trailer}`,
    error_codes: [code],
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
    error_uri: `https://login.microsoftonline.com/error?code=${code}`,
  });
}

function json(status: number, body: unknown): LoopbackResponse {
  return { status, headers: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(body) };
}
