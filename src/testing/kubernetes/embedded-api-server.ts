import { createLoopbackCertificate, type LoopbackCertificate } from '../loopback-certificate.js';
import { type LoopbackRequest, type LoopbackResponse, LoopbackServer } from '../loopback-server.js';
import type { TokenAlgorithm } from '../token-issuer.js';
import { accessAttemptOf } from './access-attempt.js';
import { AccessControl } from './access-control.js';
import { type ApiServerFault, faultResponse, jsonResponse } from './api-server-response.js';
import type { ClusterObjects } from './cluster-objects.js';
import { KubernetesStatusError, methodNotAllowed, unauthorized, unknownResource } from './kubernetes-status.js';
import {
  AuthenticationFailure,
  type IssuedToken,
  ServiceAccountTokens,
  type TokenRequestSpec,
  type UserInfo,
} from './service-account-tokens.js';
import { listPods, requestToken, reviewToken } from './token-api.js';

export type { ApiServerFault } from './api-server-response.js';
export type { IssuedToken, TokenRequestSpec } from './service-account-tokens.js';

/** Options of {@link EmbeddedApiServer.start}. */
export interface EmbeddedApiServerOptions {
  /** Whether to serve HTTPS, with a self-signed certificate: see {@link EmbeddedApiServer.ca}. @default false */
  readonly tls?: boolean;
  /** `--service-account-issuer`. @default the address of the server */
  readonly issuer?: string;
  /** `--api-audiences`. @default the issuer */
  readonly apiAudiences?: readonly string[];
  /** `--service-account-max-token-expiration` in seconds. @default no maximum */
  readonly maxExpirationSeconds?: number;
  /** Whether anybody may read the key set: a binding of `system:service-account-issuer-discovery`. @default false */
  readonly anonymousDiscovery?: boolean;
  /** @default 'RS256', as of a cluster made by kubeadm */
  readonly algorithm?: TokenAlgorithm;
}

/** One request to the API server. Holds no token. */
export interface ApiServerRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

/** The pod of {@link EmbeddedApiServer.addPod}. */
export interface PodOptions {
  readonly namespace: string;
  readonly name: string;
  readonly serviceAccount: string;
  /** Name of the node. @default none */
  readonly node?: string;
}

const ANONYMOUS: UserInfo = { username: 'system:anonymous', groups: ['system:unauthenticated'] };
const OPENID_HEADERS = { 'Cache-Control': 'public, max-age=3600' };

/**
 * A stand-in for the Kubernetes API server on 127.0.0.1: TokenRequest, TokenReview, the OpenID documents, and the list of pods as an API
 * that needs authentication. Status codes, `Status` objects and texts are those of Kubernetes; the same tests run against a real API
 * server. Service accounts may read the OpenID documents; {@link EmbeddedApiServer.allow} grants everything else.
 *
 * Unlike the real one it does not cache an authentication for 10 s, answers without `managedFields`, does not warn of unknown fields,
 * and has no other resources and no discovery (`/api`, `/version`).
 *
 * @example
 * ```ts
 * const server = await EmbeddedApiServer.start();
 * server.addServiceAccount('demo', 'app');
 * const { token } = await server.createToken('demo', 'app', { audiences: ['vault'], expirationSeconds: 600 });
 * await server.close();
 * ```
 */
export class EmbeddedApiServer {
  #tokens!: ServiceAccountTokens;
  #server!: LoopbackServer;
  readonly #access: AccessControl;
  readonly #certificate: LoopbackCertificate | undefined;
  #faults: ApiServerFault[] = [];
  /** While set, every request gets this answer. */
  outage: ApiServerFault | undefined;
  /** Every request, in order. */
  readonly requests: ApiServerRequest[] = [];

  private constructor(options: EmbeddedApiServerOptions) {
    this.#access = new AccessControl(options.anonymousDiscovery ?? false);
    this.#certificate = options.tls ? createLoopbackCertificate() : undefined;
  }

  static async start(options: EmbeddedApiServerOptions = {}): Promise<EmbeddedApiServer> {
    const server = new EmbeddedApiServer(options);
    await server.resume();
    server.#tokens = await ServiceAccountTokens.create({
      algorithm: 'RS256',
      issuer: server.origin,
      ...options,
    });
    return server;
  }

  /** Origin of the server. */
  get origin(): string {
    return this.#server.origin;
  }

  /** The CA certificate that clients must trust, in PEM; undefined for plain HTTP. */
  get ca(): string | undefined {
    return this.#certificate?.cert;
  }

  /** Claim `iss` of the tokens that it signs. */
  get issuer(): string {
    return this.#tokens.issuer;
  }

  /** Adds a service account, or replaces it by a new one of the same name; its namespace exists from then on. */
  addServiceAccount(namespace: string, name: string): { readonly name: string; readonly uid: string } {
    return this.#objects.addServiceAccount(namespace, name);
  }

  /** Deletes a service account, and with it the validity of its tokens. */
  deleteServiceAccount(namespace: string, name: string): void {
    this.#objects.deleteServiceAccount(namespace, name);
  }

  /** Adds a pod, or replaces it by a new one of the same name. Adds its node if that is missing. */
  addPod(options: PodOptions): { readonly name: string; readonly uid: string } {
    const { name, uid } = this.#objects.addPod(options);
    return { name, uid };
  }

  /**
   * Deletes a pod, and with it the validity of the tokens that are bound to it.
   *
   * @param options.terminating - keep it with a deletion timestamp; its tokens stay valid for another 60 s. Default false
   */
  deletePod(namespace: string, name: string, options: { terminating?: boolean } = {}): void {
    const pod = this.#objects.pod(namespace, name);
    if (options.terminating && pod) pod.deletionTimestamp = new Date();
    else this.#objects.deletePod(namespace, name);
  }

  /** Adds a secret that tokens can be bound to, or replaces it by a new one of the same name. */
  addSecret(namespace: string, name: string): { readonly name: string; readonly uid: string } {
    return this.#objects.addSecret(namespace, name);
  }

  /** Deletes a secret, and with it the validity of the tokens that are bound to it. */
  deleteSecret(namespace: string, name: string): void {
    this.#objects.deleteSecret(namespace, name);
  }

  /** Adds a node that tokens can be bound to, or replaces it by a new one of the same name. */
  addNode(name: string): { readonly name: string; readonly uid: string } {
    return this.#objects.addNode(name);
  }

  /** Deletes a node, and with it the validity of the tokens that are bound to it; not of those that are bound to its pods. */
  deleteNode(name: string): void {
    this.#objects.deleteNode(name);
  }

  /**
   * Grants an access, as a role and its binding do.
   *
   * @param subject - a user or a group, such as `system:serviceaccount:demo:app`
   * @param resource - with its subresource, such as `serviceaccounts/token`
   * @param namespace - default: all, and the cluster scope
   */
  allow(subject: string, verb: string, resource: string, namespace?: string): void {
    this.#access.allow(subject, verb, resource, namespace);
  }

  /** Revokes all grants of {@link EmbeddedApiServer.allow}. */
  revokeGrants(): void {
    this.#access.revokeAll();
  }

  /** Issues a token without an HTTP request. */
  async createToken(namespace: string, serviceAccount: string, spec: TokenRequestSpec = {}): Promise<IssuedToken> {
    return this.#tokens.create(namespace, serviceAccount, spec);
  }

  /**
   * Signs with a new key from now on.
   *
   * @param options - `forgetOld`: publish and accept the new key only, so that the old tokens are invalid; default false
   */
  async rotateKey({ forgetOld = false }: { forgetOld?: boolean } = {}): Promise<void> {
    await this.#tokens.rotateKey({ forgetOld });
  }

  /** Answers the next requests with these faults, one each. */
  failNext(...faults: readonly ApiServerFault[]): void {
    this.#faults.push(...faults);
  }

  /** Stops listening: connections are refused until {@link EmbeddedApiServer.resume}. */
  async close(): Promise<void> {
    await this.#server.close();
  }

  /** Listens again, at the same address. */
  async resume(): Promise<void> {
    const port = this.#server === undefined ? 0 : Number(new URL(this.origin).port);
    this.#server = await LoopbackServer.start((request) => this.#answer(request), this.#certificate, port);
  }

  get #objects(): ClusterObjects {
    return this.#tokens.objects;
  }

  async #answer(request: LoopbackRequest): Promise<LoopbackResponse> {
    const response = await this.#handle(request).catch((error: unknown) => {
      if (error instanceof KubernetesStatusError) return jsonResponse(error.status.code, error.status);
      throw error;
    });
    this.requests.push({ method: request.method, path: request.url.pathname, status: response.status });
    return response;
  }

  async #handle(request: LoopbackRequest): Promise<LoopbackResponse> {
    const fault = this.#faults.shift() ?? this.outage;
    if (fault !== undefined) return faultResponse(fault);
    const { method, url, body } = request;
    const attempt = accessAttemptOf(method, url.pathname);
    this.#access.authorize(await this.#authenticate(request), attempt);
    if ('path' in attempt) {
      const isKeySet = attempt.path === '/openid/v1/jwks';
      if (!isKeySet) return jsonResponse(200, this.#openIdConfiguration(), OPENID_HEADERS);
      return jsonResponse(200, this.#tokens.jwks, { ...OPENID_HEADERS, 'Content-Type': 'application/jwk-set+json' });
    }
    const { verb, group, resource, namespace, name } = attempt;
    switch (`${group}/${resource}`) {
      case 'authentication.k8s.io/tokenreviews':
        if (verb !== 'create') throw methodNotAllowed();
        return jsonResponse(201, await reviewToken(this.#tokens, body));
      case '/serviceaccounts/token':
        if (verb !== 'create') throw methodNotAllowed();
        return requestToken(this.#tokens, namespace!, name!, body);
      case '/pods':
        if (verb === 'list' && namespace !== undefined) return listPods(this.#objects, namespace);
    }
    throw unknownResource();
  }

  async #authenticate(request: LoopbackRequest): Promise<UserInfo> {
    const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (bearer === undefined) return ANONYMOUS;
    try {
      return (await this.#tokens.authenticate(bearer)).user;
    } catch (error) {
      if (error instanceof AuthenticationFailure) throw unauthorized();
      throw error;
    }
  }

  #openIdConfiguration(): Record<string, unknown> {
    return {
      issuer: this.issuer,
      jwks_uri: `${this.origin}/openid/v1/jwks`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [...new Set(this.#tokens.jwks.keys.map(({ alg }) => alg))].sort(),
    };
  }
}
