import { randomUUID } from 'node:crypto';
import { createLocalJWKSet } from 'jose/jwks/local';
import { compactVerify } from 'jose/jws/compact/verify';
import { decodeJwt } from 'jose/jwt/decode';
import { type JsonWebKeySet, type TokenAlgorithm, TokenIssuer } from '../token-issuer.js';
import { type BoundObjectReference, ClusterObjects, type Reference } from './cluster-objects.js';
import { invalidField, notFound } from './kubernetes-status.js';

/** The `spec` of a TokenRequest (authentication.k8s.io/v1). */
export interface TokenRequestSpec {
  /** Default: the audiences of the API server. */
  readonly audiences?: readonly string[];
  /** 600 to 2^32. @default 3600 */
  readonly expirationSeconds?: number;
  /** The object whose end is the end of the token. */
  readonly boundObjectRef?: BoundObjectReference;
}

/** What a TokenRequest is answered with. */
export interface IssuedToken {
  readonly token: string;
  /** RFC 3339, to the second. For an extended token it is what was asked for, long before `exp`. */
  readonly expirationTimestamp: string;
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
  /** What the header `Warning` says. */
  readonly warning?: string;
}

/** Who a token belongs to, as `status.user` of a TokenReview says it. */
export interface UserInfo {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** Why a token does not authenticate, in the API server's own words; without any for a token that is not of its kind. */
export class AuthenticationFailure extends Error {}

interface TokenClaims {
  readonly iss?: string;
  readonly sub: string;
  readonly aud: readonly string[];
  readonly exp: number;
  readonly nbf: number;
  readonly jti?: string;
  readonly 'kubernetes.io': {
    readonly namespace: string;
    readonly serviceaccount: Reference;
    readonly pod?: Reference;
    readonly secret?: Reference;
    readonly node?: Reference;
  };
}

/** `--service-account-extend-token-expiration`: pkg/serviceaccount/claims.go. */
const EXTENDED_REQUEST_SECONDS = 3607;
const EXTENSION_SECONDS = 365 * 24 * 3600;
/** go-jose's DefaultLeeway, which pkg/serviceaccount/claims.go takes for exp, nbf and deletion. */
const LEEWAY_SECONDS = 60;

/**
 * The tokens of a cluster's service accounts: what an API server issues and accepts.
 *
 * @see kubernetes/kubernetes pkg/registry/core/serviceaccount/storage/token.go and pkg/serviceaccount/claims.go, jwt.go
 */
export class ServiceAccountTokens {
  readonly objects = new ClusterObjects();
  /** The first one signs; the others are still accepted. */
  #issuers: readonly TokenIssuer[];

  private constructor(
    issuer: TokenIssuer,
    readonly apiAudiences: readonly string[],
    readonly maxExpirationSeconds: number | undefined,
  ) {
    this.#issuers = [issuer];
  }

  static async create(options: {
    issuer: string;
    algorithm: TokenAlgorithm;
    apiAudiences?: readonly string[];
    maxExpirationSeconds?: number;
  }): Promise<ServiceAccountTokens> {
    const issuer = await TokenIssuer.create({ issuer: options.issuer, algorithm: options.algorithm, newKey: true });
    return new ServiceAccountTokens(issuer, options.apiAudiences ?? [options.issuer], options.maxExpirationSeconds);
  }

  get issuer(): string {
    return this.#issuers[0]!.issuer;
  }

  get jwks(): JsonWebKeySet {
    return { keys: this.#issuers.flatMap(({ jwks }) => jwks.keys) };
  }

  /** Signs with a new key from now on; forgets the old ones only when told so. */
  async rotateKey(options: { forgetOld: boolean }): Promise<void> {
    const { issuer, algorithm } = this.#issuers[0]!;
    const next = await TokenIssuer.create({ issuer, algorithm, newKey: true });
    this.#issuers = options.forgetOld ? [next] : [next, ...this.#issuers];
  }

  /** TokenREST.Create of storage/token.go, in its order. */
  async create(namespace: string, name: string, spec: TokenRequestSpec): Promise<IssuedToken> {
    if (!this.objects.hasNamespace(namespace)) throw notFound('namespaces', namespace);
    const serviceAccount = this.objects.serviceAccount(namespace, name);
    if (serviceAccount === undefined) throw notFound('serviceaccounts', name);
    const audiences = spec.audiences?.length ? spec.audiences : this.apiAudiences;
    const askedSeconds = spec.expirationSeconds ?? 3600;
    checkExpiration(askedSeconds);
    const { pod, node, secret } = this.objects.bind(namespace, name, spec.boundObjectRef);

    const expirationSeconds = Math.min(askedSeconds, this.maxExpirationSeconds ?? askedSeconds);
    const isExtended =
      pod !== undefined &&
      expirationSeconds === EXTENDED_REQUEST_SECONDS &&
      audiences.every((audience) => this.apiAudiences.includes(audience));
    const now = Math.floor(Date.now() / 1000);
    const token = await this.#issuers[0]!.sign({
      aud: audiences,
      exp: now + (isExtended ? EXTENSION_SECONDS : expirationSeconds),
      iat: now,
      iss: this.issuer,
      jti: randomUUID(),
      'kubernetes.io': {
        namespace,
        ...(node && { node }),
        ...(pod && { pod: { name: pod.name, uid: pod.uid } }),
        ...(secret && { secret }),
        serviceaccount: { name, uid: serviceAccount.uid },
        ...(isExtended && { warnafter: now + expirationSeconds }),
      },
      nbf: now,
      sub: `system:serviceaccount:${namespace}:${name}`,
    });
    return {
      token,
      expirationTimestamp: rfc3339(now + expirationSeconds),
      audiences,
      expirationSeconds,
      ...(expirationSeconds < askedSeconds && {
        warning: `requested expiration of ${askedSeconds} seconds shortened to ${expirationSeconds} seconds`,
      }),
    };
  }

  /**
   * Finds out who a token belongs to.
   *
   * @param audiences - the token must have one of them
   * @returns the user, and those of the audiences that the token has
   * @throws {AuthenticationFailure} as AuthenticateToken of jwt.go and Validate of claims.go do
   */
  async authenticate(
    token: string,
    audiences: readonly string[] = this.apiAudiences,
  ): Promise<{ user: UserInfo; audiences: readonly string[] }> {
    const claims = await this.#verify(token);
    const common = claims.aud.filter((audience) => audiences.includes(audience));
    if (common.length === 0) {
      throw new AuthenticationFailure(
        `token audiences ${goList(claims.aud)} is invalid for the target audiences ${goList(audiences)}`,
      );
    }
    const now = Date.now() / 1000;
    if (now > claims.exp + LEEWAY_SECONDS) throw new AuthenticationFailure('service account token has expired');
    if (now < claims.nbf - LEEWAY_SECONDS) throw new AuthenticationFailure('service account token is not valid yet');
    this.#checkObjects(claims['kubernetes.io']);
    return { user: userOf(claims), audiences: common };
  }

  async #verify(token: string): Promise<TokenClaims> {
    let issuer: string | undefined;
    try {
      issuer = decodeJwt(token).iss;
    } catch {
      throw new AuthenticationFailure();
    }
    if (issuer !== this.issuer) throw new AuthenticationFailure();
    try {
      const { payload } = await compactVerify(token, createLocalJWKSet({ keys: [...this.jwks.keys] }), {
        algorithms: ['RS256', 'ES256'],
      });
      return JSON.parse(new TextDecoder().decode(payload));
    } catch (error) {
      const noKey = error instanceof Error && 'code' in error && error.code === 'ERR_JWKS_NO_MATCHING_KEY';
      throw new AuthenticationFailure(
        noKey ? 'invalid signature, no keys found' : 'go-jose/go-jose: error in cryptographic primitive',
      );
    }
  }

  #checkObjects({ namespace, serviceaccount, pod, secret, node }: TokenClaims['kubernetes.io']): void {
    const account = this.objects.serviceAccount(namespace, serviceaccount.name);
    if (account === undefined) throw new AuthenticationFailure(`serviceaccounts "${serviceaccount.name}" not found`);
    if (account.uid !== serviceaccount.uid) {
      throw new AuthenticationFailure(
        `service account UID (${account.uid}) does not match claim (${serviceaccount.uid})`,
      );
    }
    if (secret !== undefined) expectBound('secret', this.objects.secret(namespace, secret.name), secret);
    if (pod !== undefined) {
      const found = this.objects.pod(namespace, pod.name);
      const goneBefore = Date.now() - LEEWAY_SECONDS * 1000;
      const isGone = (found?.deletionTimestamp?.getTime() ?? Number.POSITIVE_INFINITY) < goneBefore;
      expectBound('pod', isGone ? undefined : found, pod);
    } else if (node !== undefined) {
      // Of a token that is bound to a pod the node may be another by now.
      expectBound('node', this.objects.node(node.name), node);
    }
  }
}

function expectBound(kind: 'pod' | 'secret' | 'node', found: Reference | undefined, claimed: Reference): void {
  if (found === undefined) throw new AuthenticationFailure('service account token has been invalidated');
  if (found.uid === claimed.uid) return;
  throw new AuthenticationFailure(
    `${kind} UID (${found.uid}) does not match service account ${kind} ref claim (${claimed.uid})`,
  );
}

// pkg/apis/authentication/validation/validation.go, ValidateTokenRequest.
function checkExpiration(seconds: number): void {
  const refuse = (why: string) =>
    invalidField('authentication.k8s.io', 'TokenRequest', 'spec.expirationSeconds', seconds, why);
  if (seconds < 600) throw refuse('may not specify a duration less than 10 minutes');
  if (seconds > 2 ** 32) throw refuse('may not specify a duration larger than 2^32 seconds');
}

// staging/src/k8s.io/apiserver/pkg/authentication/serviceaccount/util.go, ServiceAccountInfo.UserInfo.
function userOf(claims: TokenClaims): UserInfo {
  const { namespace, serviceaccount, pod, node } = claims['kubernetes.io'];
  const prefix = 'authentication.kubernetes.io/';
  return {
    username: claims.sub,
    uid: serviceaccount.uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    extra: {
      ...(claims.jti !== undefined && { [`${prefix}credential-id`]: [`JTI=${claims.jti}`] }),
      ...(node && { [`${prefix}node-name`]: [node.name], [`${prefix}node-uid`]: [node.uid] }),
      ...(pod && { [`${prefix}pod-name`]: [pod.name], [`${prefix}pod-uid`]: [pod.uid] }),
    },
  };
}

function rfc3339(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

// Go's %q of a list of strings.
function goList(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(' ')}]`;
}
