import { type ExchangeRecord, fingerprintOf, type TrustedIssuer } from '../federated-token.js';
import { createLoopbackCertificate, type LoopbackCertificate } from '../loopback-certificate.js';
import { type LoopbackRequest, type LoopbackResponse, LoopbackServer } from '../loopback-server.js';
import { denied, failure, failures, faultResponse, json, parseObject, type VaultFault } from './vault-answers.js';
import { parseDuration } from './vault-duration.js';
import { checkLogin, checkRenewal } from './vault-login.js';
import { VaultSecrets } from './vault-secrets.js';
import {
  authResponse,
  type EmbeddedVaultRole,
  lookupResponse,
  type VaultTokenEntry,
  VaultTokens,
} from './vault-tokens.js';
import { VaultWrapping } from './vault-wrapping.js';

export type { VaultFault } from './vault-answers.js';
export type { EmbeddedVaultRole } from './vault-tokens.js';

/** Options of {@link EmbeddedVault.start}. */
export interface EmbeddedVaultOptions {
  /** The cluster whose tokens are accepted at the login. */
  readonly trust: TrustedIssuer;
  /** Roles of the kubernetes auth method, by their names. */
  readonly roles: Readonly<Record<string, EmbeddedVaultRole>>;
  /** Secrets of the KV version 2 engine mounted at `secret`, by their paths. */
  readonly secrets?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Path at which the auth method is mounted. @default 'kubernetes' */
  readonly mount?: string;
  /**
   * Namespace of everything, such as `team/shop`, selected by the header `X-Vault-Namespace` or as the first part of the path. Other
   * namespaces are empty or do not exist (404).
   *
   * @default none, the root
   */
  readonly namespace?: string;
  /** Whether to serve HTTPS, with a self-signed certificate: see {@link EmbeddedVault.ca}. @default false */
  readonly tls?: boolean;
}

type RequestBody = Readonly<Record<string, unknown>>;

/** One request to Vault. Holds no token. */
export interface VaultRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

/**
 * A stand-in for HashiCorp Vault and OpenBao on 127.0.0.1: the kubernetes auth method, tokens with their leases, and a KV version 2
 * engine. Status codes and bodies are Vault's own; it checks what Vault checks: signature, audience and expiry of the service account
 * token, the role's service accounts and namespaces, and at every request the Vault token.
 *
 * @example
 * ```ts
 * const vault = await EmbeddedVault.start({
 *   trust: issuer,
 *   roles: { shop: { serviceAccounts: ['build-robot'], namespaces: ['default'], audience: 'vault', ttlSeconds: 60 } },
 *   secrets: { shop: { password: 'correct horse' } },
 * });
 * const tokens = await VaultTokenProvider.open({ address: vault.origin, role: 'shop', source });
 * await vault.close();
 * ```
 *
 * @see https://developer.hashicorp.com/vault/api-docs/auth/kubernetes
 */
export class EmbeddedVault {
  readonly #options: EmbeddedVaultOptions;
  readonly #certificate: LoopbackCertificate | undefined;
  readonly #roles: Map<string, EmbeddedVaultRole>;
  readonly #tokens: VaultTokens;
  readonly #secrets: VaultSecrets;
  readonly #wrapping = new VaultWrapping();
  readonly #faults: VaultFault[] = [];
  #server!: LoopbackServer;
  /** While true, every request gets the answer of a sealed Vault. */
  isSealed = false;
  /** Address of the active node, while this one is a standby that does not forward. */
  standbyOf: string | undefined;
  /** While set, every request gets this answer. */
  outage: VaultFault | undefined;
  /** Every login, in order. */
  readonly logins: ExchangeRecord[] = [];
  /** Every request, in order. */
  readonly requests: VaultRequest[] = [];

  private constructor(options: EmbeddedVaultOptions) {
    this.#options = options;
    const { mount = 'kubernetes', namespace = '' } = options;
    this.#tokens = new VaultTokens({ mount, namespace });
    this.#secrets = new VaultSecrets(options.secrets ?? {});
    this.#roles = new Map(Object.entries(options.roles));
    this.#certificate = options.tls ? createLoopbackCertificate() : undefined;
  }

  static async start(options: EmbeddedVaultOptions): Promise<EmbeddedVault> {
    const vault = new EmbeddedVault(options);
    await vault.resume();
    return vault;
  }

  /** Origin of the server, for the option `address` of `VaultTokenProvider`. */
  get origin(): string {
    return this.#server.origin;
  }

  /** The CA certificate that clients must trust, in PEM; undefined for plain HTTP. */
  get ca(): string | undefined {
    return this.#certificate?.cert;
  }

  /** How many tokens are valid now. */
  get validTokens(): number {
    return this.#tokens.size;
  }

  /** Revokes every token. */
  revokeTokens(): void {
    this.#tokens.revokeAll();
  }

  /**
   * Writes a role, or deletes it. Its tokens stay valid; their renewals follow the new role.
   *
   * @param role - undefined to delete it
   */
  setRole(name: string, role: EmbeddedVaultRole | undefined): void {
    if (role === undefined) this.#roles.delete(name);
    else this.#roles.set(name, role);
  }

  /** Answers the next requests with these faults, one each. */
  failNext(...faults: readonly VaultFault[]): void {
    this.#faults.push(...faults);
  }

  /** Stops listening: connections are refused until {@link EmbeddedVault.resume}. Its tokens stay valid. */
  async close(): Promise<void> {
    await this.#server.close();
  }

  /** Listens again, at the same address. */
  async resume(): Promise<void> {
    const port = this.#server === undefined ? 0 : Number(new URL(this.origin).port);
    this.#server = await LoopbackServer.start((request) => this.#answer(request), this.#certificate, port);
  }

  async #answer(request: LoopbackRequest): Promise<LoopbackResponse> {
    const response = await this.#handle(request);
    this.requests.push({ method: request.method, path: request.url.pathname, status: response.status });
    return response;
  }

  async #handle(request: LoopbackRequest): Promise<LoopbackResponse> {
    const { url } = request;
    if (url.pathname === '/v1/sys/health') return this.#health();
    const fault = this.#faults.shift() ?? this.outage;
    if (fault !== undefined) return faultResponse(fault);
    if (this.isSealed) return failure(503, 'Vault is sealed');
    if (this.standbyOf !== undefined) {
      return { status: 307, headers: { Location: `${this.standbyOf}${url.pathname}${url.search}` } };
    }
    const { namespace = '' } = this.#options;
    const place = placeOf(request, namespace);
    if (place === undefined) return failure(404, 'namespace not found');
    const body = parseObject(request.body);
    if (body === undefined) return failure(400, 'failed to decode JSON input: unexpected EOF');
    const response = await this.#route(request, place.path, body, place.namespace === namespace);
    const wrapTtl = request.headers['x-vault-wrap-ttl'];
    if (wrapTtl === undefined) return response;
    return this.#wrapping.wrap(response, String(wrapTtl), place.path);
  }

  /**
   * @param path - without `/v1/` and the namespace
   * @param isInNamespace - false in a parent of the namespace, where there is nothing but what every namespace has
   */
  async #route(
    request: LoopbackRequest,
    path: string,
    body: RequestBody,
    isInNamespace: boolean,
  ): Promise<LoopbackResponse> {
    const { method } = request;
    const isWrite = method === 'POST' || method === 'PUT';
    const { mount = 'kubernetes' } = this.#options;
    if (isInNamespace && path === `auth/${mount}/login`) {
      return isWrite ? this.#logIn(body) : failure(405, 'unsupported operation');
    }
    // A path that is not known needs a token, too: there is no telling which paths there are.
    const token = bearerOf(request);
    if (token === undefined) return denied();
    const route = `${isWrite ? 'POST' : method} ${path}`;
    if (route === 'POST sys/wrapping/unwrap') return this.#wrapping.unwrap(token);
    // Of which namespace a token is can be seen by the token: it is known in all of them.
    const entry = this.#tokens.find(token);
    if (entry === undefined) return failures(403, 'permission denied', 'invalid token');
    this.#tokens.use(entry);
    // It is the policy "default" that allows these.
    if (/ auth\/token\/\w+-self$/.test(route) && entry.role.noDefaultPolicy) return deniedByPolicy();
    switch (route) {
      case 'POST auth/token/renew-self':
        return this.#renew(entry, body.increment);
      case 'GET auth/token/lookup-self':
        return json(200, lookupResponse(entry));
      case 'POST auth/token/revoke-self':
        return this.#revoke(entry);
    }
    const secret = isInNamespace ? /^secret\/data\/(.+)$/.exec(path)?.[1] : undefined;
    return secret === undefined ? deniedByPolicy() : this.#useSecret(entry, isWrite ? 'POST' : method, secret, body);
  }

  async #logIn(body: RequestBody): Promise<LoopbackResponse> {
    const { role: roleName = '', jwt = '' } = body as { role?: string; jwt?: string };
    const login = { roleName, jwt };
    const answer = await checkLogin(login, this.#roles.get(roleName), this.#options.trust);
    const isRefused = 'error' in answer;
    this.logins.push({ fingerprint: fingerprintOf(jwt), outcome: isRefused ? String(answer.status) : 'granted' });
    if (isRefused) return failure(answer.status, answer.error);
    return json(200, authResponse(this.#tokens.issue(login, this.#roles.get(roleName)!, answer)));
  }

  async #renew(entry: VaultTokenEntry, increment: unknown): Promise<LoopbackResponse> {
    if (entry.role.tokenType === 'batch') return failure(400, 'batch tokens cannot be renewed');
    const { roleName, metadata } = entry;
    const role = this.#roles.get(roleName);
    if (role === undefined) {
      return failures(500, `failed to renew entry: role ${roleName} does not exist during renewal`);
    }
    const incrementSeconds = increment === undefined ? 0 : parseDuration(increment);
    if (incrementSeconds === undefined) {
      const why = `time: invalid duration ${JSON.stringify(increment)}`;
      return failure(400, `Field validation failed: error converting input for field "increment": ${why}`);
    }
    const refused = await checkRenewal(entry, metadata.service_account_name!, role, this.#options.trust);
    if (refused !== undefined) return failures(403, `failed to renew entry: ${refused}`);
    if (!this.#tokens.renew(entry, role, incrementSeconds)) return failures(500, 'past the max TTL, cannot renew');
    return json(200, authResponse(entry));
  }

  #revoke(entry: VaultTokenEntry): LoopbackResponse {
    if (entry.role.tokenType === 'batch') return failure(400, 'batch tokens cannot be revoked');
    this.#tokens.revoke(entry.token);
    return { status: 204 };
  }

  #useSecret({ role }: VaultTokenEntry, method: string, path: string, body: RequestBody): LoopbackResponse {
    const { readable, writable = [] } = role;
    if (method === 'GET') {
      return readable === undefined || readable.includes(path) ? this.#secrets.read(path) : deniedByPolicy();
    }
    if (!writable.includes(path)) return deniedByPolicy();
    if (method === 'POST') return this.#secrets.write(path, body);
    return method === 'DELETE' ? this.#secrets.delete(path) : failure(405, 'unsupported operation');
  }

  #health(): LoopbackResponse {
    const isStandby = this.standbyOf !== undefined;
    const status = this.outage?.status ?? (this.isSealed ? 503 : isStandby ? 429 : 200);
    return json(status, {
      initialized: true,
      sealed: this.isSealed,
      standby: isStandby || this.isSealed,
      version: '1.21.0',
    });
  }
}

/**
 * Splits the namespace off: that of the header, and where the path begins with one below it, that, too.
 *
 * @param namespace - the one that there is, and with it its parents
 * @returns undefined for one that does not exist
 */
function placeOf(
  { url, headers }: LoopbackRequest,
  namespace: string,
): { namespace: string; path: string } | undefined {
  const path = url.pathname.slice('/v1/'.length);
  const asked = String(headers['x-vault-namespace'] ?? '').replace(/^\/|\/$/g, '');
  if (asked !== '' && !`${namespace}/`.startsWith(`${asked}/`)) return undefined;
  const below = namespace.slice(asked.length).replace(/^\//, '');
  if (below === '' || !path.startsWith(`${below}/`)) return { namespace: asked, path };
  return { namespace, path: path.slice(below.length + 1) };
}

function bearerOf({ headers }: LoopbackRequest): string | undefined {
  return headers['x-vault-token']?.toString() ?? /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
}

/** Vault's 403 for a good token whose policies do not allow the request. */
function deniedByPolicy(): LoopbackResponse {
  return failures(403, 'permission denied');
}
