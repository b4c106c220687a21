import { randomBytes } from 'node:crypto';
import { checkFederatedToken, type FederatedTokenFault, type TrustedIssuer } from '../federated-token.js';
import { FederationServer } from '../federation-server.js';
import type { LoopbackRequest, LoopbackResponse } from '../loopback-server.js';

/** Options of {@link EmbeddedGoogleSts.start}. */
export interface EmbeddedGoogleStsOptions {
  /** The cluster whose tokens are accepted: the issuer of the workload identity pool provider. */
  readonly trust: TrustedIssuer;
  /** Allowed audiences of the provider. @default its resource name, with or without `https:` */
  readonly audiences?: readonly string[];
  /** Service accounts that the federated identity may impersonate, by e-mail. @default none */
  readonly serviceAccounts?: readonly string[];
}

/** An error that Google's Security Token Service answers with (RFC 6749 section 5.2). */
export interface GoogleStsError {
  readonly error: string;
  readonly error_description: string;
  /** Default: 400. */
  readonly status?: number;
}

interface AccessToken {
  readonly principal: string;
  readonly expiresAtMs: number;
}

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';
const IMPERSONATION = /^\/v1\/projects\/-\/serviceAccounts\/([^/:]+):generateAccessToken$/;

/**
 * A stand-in for Google's workload identity federation on 127.0.0.1: the Security Token Service (RFC 8693), the
 * impersonation of a service account, and the Cloud Resource Manager as a service that asks for an access token. It
 * checks what Google checks: issuer, signature, audience and expiry of the subject token.
 *
 * @example
 * ```ts
 * const google = await EmbeddedGoogleSts.start({ trust: issuer });
 * const client = new IdentityPoolClient({
 *   type: 'external_account',
 *   audience: google.audience,
 *   token_url: google.tokenUrl,
 *   subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
 *   subject_token_supplier: subjectTokenSupplier(source),
 * });
 * await google.close();
 * ```
 */
export class EmbeddedGoogleSts extends FederationServer<GoogleStsError> {
  readonly #options: EmbeddedGoogleStsOptions;
  readonly #accessTokens = new Map<string, AccessToken>();
  /** Resource name of the only workload identity pool provider: what a client takes for its option `audience`. */
  readonly audience =
    '//iam.googleapis.com/projects/123456789/locations/global/workloadIdentityPools/test/providers/cluster';
  /** How many impersonations were asked for. */
  impersonationRequests = 0;

  private constructor(options: EmbeddedGoogleStsOptions) {
    super();
    this.#options = options;
  }

  static async start(options: EmbeddedGoogleStsOptions): Promise<EmbeddedGoogleSts> {
    return new EmbeddedGoogleSts(options).listen();
  }

  /** Value for the client's option `token_url`. */
  get tokenUrl(): string {
    return `${this.origin}/v1/token`;
  }

  /** Value for the client's option `cloud_resource_manager_url`. */
  get cloudResourceManagerUrl(): string {
    return `${this.origin}/v1/projects/`;
  }

  /** Value for the client's option `service_account_impersonation_url`. */
  impersonationUrl(email: string): string {
    return `${this.origin}/v1/projects/-/serviceAccounts/${email}:generateAccessToken`;
  }

  protected async handle(request: LoopbackRequest): Promise<LoopbackResponse> {
    const { pathname } = request.url;
    if (request.method === 'POST' && pathname === '/v1/token') return this.#exchange(new URLSearchParams(request.body));
    const email = IMPERSONATION.exec(pathname)?.[1];
    if (request.method === 'POST' && email !== undefined) return this.#impersonate(request, email);
    if (request.method === 'GET' && pathname === '/v1/projects/123456789') return this.#project(request);
    return apiError(404, 'NOT_FOUND', `Nothing at ${pathname}`);
  }

  protected codeOf(refusal: GoogleStsError): string {
    return refusal.error;
  }

  async #exchange(form: URLSearchParams): Promise<LoopbackResponse> {
    const token = form.get('subject_token') ?? '';
    const refusal = await this.decide(token, () => this.#refusalOf(form, token));
    if (refusal !== undefined) {
      const { status = 400, ...body } = refusal;
      return json(status, body);
    }
    return json(200, {
      access_token: this.#issue('federated', 3600),
      issued_token_type: ACCESS_TOKEN,
      token_type: 'Bearer',
      expires_in: 3600,
    });
  }

  async #refusalOf(form: URLSearchParams, token: string): Promise<GoogleStsError | undefined> {
    const { trust, audiences = [this.audience, `https:${this.audience}`] } = this.#options;
    if (form.get('grant_type') !== TOKEN_EXCHANGE) {
      return { error: 'unsupported_grant_type', error_description: 'Grant type is not supported' };
    }
    if (form.get('subject_token_type') !== JWT || form.get('requested_token_type') !== ACCESS_TOKEN) {
      return { error: 'invalid_request', error_description: 'A token type is missing or not supported' };
    }
    if (form.get('audience') !== this.audience) {
      return {
        error: 'invalid_target',
        error_description: 'The target service indicated by the "audience" parameters is invalid.',
      };
    }
    const { claims, fault } = await checkFederatedToken(token, trust, audiences);
    return fault === undefined ? undefined : { error: 'invalid_grant', error_description: describe(fault, claims) };
  }

  #impersonate(request: LoopbackRequest, email: string): LoopbackResponse {
    this.impersonationRequests += 1;
    const caller = this.#callerOf(request);
    if (caller === undefined) return UNAUTHENTICATED;
    if (!this.#options.serviceAccounts?.includes(email)) {
      const text = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).";
      return apiError(403, 'PERMISSION_DENIED', text);
    }
    const { lifetime = '3600s' } = JSON.parse(request.body) as { lifetime?: string };
    const seconds = Number(/^(\d+)s$/.exec(lifetime)?.[1] ?? Number.NaN);
    if (!(seconds > 0 && seconds <= 43_200)) return apiError(400, 'INVALID_ARGUMENT', 'The lifetime is invalid.');
    const accessToken = this.#issue(email, seconds);
    const { expiresAtMs } = this.#accessTokens.get(accessToken)!;
    // Whole seconds, as Google writes them.
    return json(200, { accessToken, expireTime: new Date(expiresAtMs).toISOString().replace(/\.\d+/, '') });
  }

  #project(request: LoopbackRequest): LoopbackResponse {
    const caller = this.#callerOf(request);
    if (caller === undefined) return UNAUTHENTICATED;
    return json(200, { projectNumber: '123456789', projectId: 'test-project', lifecycleState: 'ACTIVE' });
  }

  #callerOf(request: LoopbackRequest): AccessToken | undefined {
    const [, value = ''] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? [];
    const found = this.#accessTokens.get(value);
    return found !== undefined && found.expiresAtMs > Date.now() ? found : undefined;
  }

  #issue(principal: string, seconds: number): string {
    const value = `ya29.${randomBytes(48).toString('base64url')}`;
    this.#accessTokens.set(value, { principal, expiresAtMs: Date.now() + seconds * 1000 });
    return value;
  }
}

function describe(fault: FederatedTokenFault, claims: { iss?: string; aud?: string | string[]; iat?: number }): string {
  switch (fault) {
    case 'malformed':
      return 'Unable to parse the ID Token.';
    case 'issuer':
      return `The issuer in ID Token ${claims.iss} does not match the expected ones.`;
    case 'signature':
      return 'Invalid ID Token signature.';
    case 'audience':
      return `The audience in ID Token [${[claims.aud].flat().join(', ')}] does not match the expected audience.`;
    case 'expired':
      return `ID Token issued at ${claims.iat} is stale to sign-in.`;
  }
}

const UNAUTHENTICATED = apiError(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.');

// The error body of Google APIs (AIP-193).
function apiError(status: number, name: string, message: string): LoopbackResponse {
  return json(status, { error: { code: status, message, status: name } });
}

function json(status: number, body: unknown): LoopbackResponse {
  return { status, headers: { 'content-type': 'application/json; charset=UTF-8' }, body: JSON.stringify(body) };
}
