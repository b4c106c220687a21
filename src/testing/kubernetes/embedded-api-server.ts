import { randomUUID } from 'node:crypto';
import { createLoopbackCertificate, type LoopbackCertificate } from '../loopback-certificate.js';
import { type LoopbackRequest, type LoopbackResponse, LoopbackServer } from '../loopback-server.js';
import type { TokenAlgorithm } from '../token-issuer.js';
import { AccessControl } from './access-control.js';
import { type ApiServerFault, faultResponse, jsonResponse, parseObject } from './api-server-response.js';
import { badRequest, KubernetesStatusError, unauthorized } from './kubernetes-status.js';
import {
  AuthenticationFailure,
  type ClusterPod,
  type IssuedToken,
  ServiceAccountTokens,
  type TokenRequestSpec,
  type UserInfo,
} from './service-account-tokens.js';

export type { ApiServerFault } from './api-server-response.js';
export type { IssuedToken, TokenRequestSpec } from './service-account-tokens.js';

/** Options of {@link EmbeddedApiServer.start}. */
export interface EmbeddedApiServerOptions {
  /** Whether it speaks HTTPS, with a certificate of its own: see {@link EmbeddedApiServer.ca}. @default false */
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

/** One request that the API server was asked. Holds no token. */
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
 * A stand-in for the Kubernetes API server on 127.0.0.1: TokenRequest, TokenReview, the OpenID documents, and the list of
 * pods as an API to be authenticated at. Status codes, `Status` objects and texts are Kubernetes' own. Everybody may do
 * what default RBAC allows, and what {@link EmbeddedApiServer.allow} adds. Unlike the real one it does not cache an
 * authentication for 10 s.
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
  /** While set, every request is answered with it. */
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

  /** Its address, without a slash at the end. */
  get origin(): string {
    return this.#server.origin;
  }

  /** The CA certificate that clients have to trust, in PEM; undefined for plain HTTP. */
  get ca(): string | undefined {
    return this.#certificate?.cert;
  }

  /** Claim `iss` of the tokens that it signs. */
  get issuer(): string {
    return this.#tokens.issuer;
  }

  /** Adds a service account, or replaces it by a new one of the same name. */
  addServiceAccount(namespace: string, name: string): { readonly name: string; readonly uid: string } {
    const serviceAccount = { namespace, name, uid: randomUUID() };
    this.#tokens.serviceAccounts.set(`${namespace}/${name}`, serviceAccount);
    return { name, uid: serviceAccount.uid };
  }

  /** Adds a pod, or replaces it by a new one of the same name. */
  addPod({ namespace, name, serviceAccount, node }: PodOptions): { readonly name: string; readonly uid: string } {
    const pod: ClusterPod = {
      namespace,
      name,
      uid: randomUUID(),
      serviceAccount,
      ...(node !== undefined && { node: { name: node, uid: randomUUID() } }),
    };
    this.#tokens.pods.set(`${namespace}/${name}`, pod);
    return { name, uid: pod.uid };
  }

  /**
   * Deletes a pod, and with it the validity of the tokens that are bound to it.
   *
   * @param options.terminating - leave it there with a deletion timestamp; its tokens live for another 60 s
   */
  deletePod(namespace: string, name: string, options: { terminating?: boolean } = {}): void {
    const pod = this.#tokens.pods.get(`${namespace}/${name}`);
    if (options.terminating && pod) pod.deletionTimestamp = new Date();
    else this.#tokens.pods.delete(`${namespace}/${name}`);
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

  /** Takes all grants of {@link EmbeddedApiServer.allow} back. */
  revokeGrants(): void {
    this.#access.revokeAll();
  }

  /** Issues a token without a request for it, as a kubelet gets one for its volume. */
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
    const user = await this.#authenticate(request);
    const route = `${request.method} ${request.url.pathname}`;
    switch (route) {
      case 'GET /.well-known/openid-configuration':
        this.#access.authorize(user, { verb: 'get', path: request.url.pathname });
        return jsonResponse(200, this.#openIdConfiguration(), OPENID_HEADERS);
      case 'GET /openid/v1/jwks':
        this.#access.authorize(user, { verb: 'get', path: request.url.pathname });
        return jsonResponse(200, this.#tokens.jwks, { ...OPENID_HEADERS, 'Content-Type': 'application/jwk-set+json' });
      case 'POST /apis/authentication.k8s.io/v1/tokenreviews':
        this.#access.authorize(user, { verb: 'create', group: 'authentication.k8s.io', resource: 'tokenreviews' });
        return jsonResponse(201, await this.#reviewToken(parseObject(request.body)));
    }
    const tokenRequest = /^POST \/api\/v1\/namespaces\/([^/]+)\/serviceaccounts\/([^/]+)\/token$/.exec(route);
    if (tokenRequest) return this.#requestToken(user, tokenRequest[1]!, tokenRequest[2]!, parseObject(request.body));
    const listPods = /^GET \/api\/v1\/namespaces\/([^/]+)\/pods$/.exec(route);
    if (listPods) return this.#listPods(user, listPods[1]!);
    return { status: 404, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body: '404 page not found\n' };
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

  async #requestToken(
    user: UserInfo,
    namespace: string,
    name: string,
    { spec = {} }: { spec?: TokenRequestSpec },
  ): Promise<LoopbackResponse> {
    const resource = { group: '', resource: 'serviceaccounts/token', parent: 'serviceaccounts' };
    this.#access.authorize(user, { verb: 'create', ...resource, name, namespace });
    const { token, expirationTimestamp, audiences, expirationSeconds, warning } = await this.#tokens.create(
      namespace,
      name,
      spec,
    );
    const tokenRequest = {
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { name, namespace, creationTimestamp: new Date().toISOString().replace(/\.\d+/, '') },
      spec: { audiences, expirationSeconds, boundObjectRef: spec.boundObjectRef ?? null },
      status: { token, expirationTimestamp },
    };
    // RFC 7234 section 5.5, as kubernetes/apiserver pkg/warning writes it.
    return jsonResponse(
      201,
      tokenRequest,
      warning === undefined ? {} : { Warning: `299 - ${JSON.stringify(warning)}` },
    );
  }

  // pkg/registry/authentication/tokenreview/storage.go; `authenticated` is left out when it is false.
  async #reviewToken({ spec = {} }: { spec?: { token?: string; audiences?: readonly string[] } }): Promise<unknown> {
    if (!spec.token) throw badRequest('token is required for TokenReview in authentication');
    const review = { kind: 'TokenReview', apiVersion: 'authentication.k8s.io/v1', metadata: {}, spec };
    try {
      const asked = spec.audiences?.length ? spec.audiences : this.#tokens.apiAudiences;
      const { user, audiences } = await this.#tokens.authenticate(spec.token, asked);
      return { ...review, status: { authenticated: true, user, audiences } };
    } catch (error) {
      if (!(error instanceof AuthenticationFailure)) throw error;
      const text = error.message === '' ? 'invalid bearer token' : `[invalid bearer token, ${error.message}]`;
      return { ...review, status: { user: {}, error: text } };
    }
  }

  #listPods(user: UserInfo, namespace: string): LoopbackResponse {
    this.#access.authorize(user, { verb: 'list', group: '', resource: 'pods', namespace });
    const pods = [...this.#tokens.pods.values()].filter((pod) => pod.namespace === namespace);
    const items = pods.map(({ name, uid, serviceAccount, node, deletionTimestamp }) => ({
      metadata: { name, namespace, uid, ...(deletionTimestamp && { deletionTimestamp }) },
      spec: { serviceAccountName: serviceAccount, containers: [], ...(node && { nodeName: node.name }) },
    }));
    return jsonResponse(200, { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '1' }, items });
  }
}
