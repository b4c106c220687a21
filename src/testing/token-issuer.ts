import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { exportJWK, SignJWT } from 'jose';

/** Signature algorithm of a cluster: RS256 for an RSA key, ES256 for one on the curve P-256. */
export type TokenAlgorithm = 'RS256' | 'ES256';

/** Options of {@link TokenIssuer.mint}. */
export interface MintOptions {
  /** @default 'vault' */
  readonly audience?: string | readonly string[];
  /** Life of the token in seconds. @default 3600 */
  readonly expiresInSeconds?: number;
  /** @default now, as `Date.now()` says */
  readonly issuedAt?: Date;
  /** @default 'default' */
  readonly namespace?: string;
  /** @default 'build-robot' */
  readonly serviceAccount?: string;
  /** Name of the pod that the token is bound to. @default none */
  readonly pod?: string;
  /** Name of the pod's node. @default none */
  readonly node?: string;
  /** An extended token: `exp` a year away, and `warnafter` where `exp` would have been. @default false */
  readonly extended?: boolean;
  /** Claims to add or to replace; `undefined` takes one away. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** Key set as published by an API server at `/openid/v1/jwks` (RFC 7517). */
export interface JsonWebKeySet {
  readonly keys: readonly Readonly<Record<string, unknown> & { kid: string; alg: string; use: string; kty: string }>[];
}

const YEAR_SECONDS = 365 * 24 * 60 * 60;

// An RSA key takes a tenth of a second to make; a process needs one.
const generatedKeys = new Map<TokenAlgorithm, KeyObject>();

/**
 * Issues tokens in the form of a Kubernetes API server, with its signature algorithms.
 *
 * @example
 * ```ts
 * const issuer = await TokenIssuer.create({ algorithm: 'ES256' });
 * const token = await issuer.mint({ audience: 'vault', expiresInSeconds: 600 });
 * const keys = createLocalJWKSet(issuer.jwks);
 * ```
 *
 * @see kubernetes/kubernetes pkg/serviceaccount/claims.go and jwt.go
 */
export class TokenIssuer {
  private constructor(
    /** Claim `iss` of its tokens. */
    readonly issuer: string,
    readonly algorithm: TokenAlgorithm,
    /** Key id: base64url of the SHA-256 of the DER public key, as an API server derives it. */
    readonly kid: string,
    /** The public key set, to verify its tokens with. */
    readonly jwks: JsonWebKeySet,
    private readonly privateKey: KeyObject,
  ) {}

  /**
   * @param options.issuer - claim `iss`; default `https://kubernetes.default.svc`
   * @param options.algorithm - default `RS256`
   * @param options.newKey - a new key instead of the one that the issuers of this process share; default false
   */
  static async create(
    options: { issuer?: string; algorithm?: TokenAlgorithm; newKey?: boolean } = {},
  ): Promise<TokenIssuer> {
    const { issuer = 'https://kubernetes.default.svc', algorithm = 'RS256', newKey = false } = options;
    const privateKey = (newKey ? undefined : generatedKeys.get(algorithm)) ?? generateKey(algorithm);
    if (!newKey) generatedKeys.set(algorithm, privateKey);
    const publicKey = createPublicKey(privateKey);
    const der = publicKey.export({ type: 'spki', format: 'der' });
    const kid = createHash('sha256').update(der).digest('base64url');
    const jwk = { ...(await exportJWK(publicKey)), kty: algorithm === 'RS256' ? 'RSA' : 'EC' };
    return new TokenIssuer(issuer, algorithm, kid, { keys: [{ ...jwk, kid, alg: algorithm, use: 'sig' }] }, privateKey);
  }

  /** Resolves with a signed token. */
  async mint(options: MintOptions = {}): Promise<string> {
    const claims = Object.entries({ ...boundClaims(this.issuer, options), ...options.claims });
    return this.sign(Object.fromEntries(claims.filter(([, value]) => value !== undefined)));
  }

  /** Resolves with a token as in Secrets before Kubernetes 1.24: no expiry, no audience, flat claims. */
  async mintLegacy(options: Pick<MintOptions, 'namespace' | 'serviceAccount'> = {}): Promise<string> {
    const { namespace = 'default', serviceAccount = 'build-robot' } = options;
    return this.sign({
      iss: 'kubernetes/serviceaccount',
      'kubernetes.io/serviceaccount/namespace': namespace,
      'kubernetes.io/serviceaccount/secret.name': `${serviceAccount}-token-x7k2p`,
      'kubernetes.io/serviceaccount/service-account.name': serviceAccount,
      'kubernetes.io/serviceaccount/service-account.uid': randomUUID(),
      sub: `system:serviceaccount:${namespace}:${serviceAccount}`,
    });
  }

  /** Signs any claims, unchanged. */
  async sign(claims: Readonly<Record<string, unknown>>): Promise<string> {
    return new SignJWT(claims).setProtectedHeader({ alg: this.algorithm, kid: this.kid }).sign(this.privateKey);
  }
}

function boundClaims(issuer: string, options: MintOptions): Record<string, unknown> {
  const { namespace = 'default', serviceAccount = 'build-robot', pod, node } = options;
  const iat = Math.floor((options.issuedAt?.getTime() ?? Date.now()) / 1000);
  // 3607 is the lifetime that the API server takes as the mark of a token to extend (registry/core/serviceaccount/storage/token.go).
  const lifeSeconds = options.expiresInSeconds ?? (options.extended ? 3607 : 3600);
  return {
    aud: [options.audience ?? 'vault'].flat(),
    exp: iat + (options.extended ? YEAR_SECONDS : lifeSeconds),
    iat,
    iss: issuer,
    jti: randomUUID(),
    'kubernetes.io': {
      namespace,
      ...(node === undefined ? {} : { node: { name: node, uid: uidOf('node', node) } }),
      ...(pod === undefined ? {} : { pod: { name: pod, uid: uidOf('pod', pod) } }),
      serviceaccount: { name: serviceAccount, uid: uidOf('serviceaccount', `${namespace}/${serviceAccount}`) },
      ...(options.extended ? { warnafter: iat + lifeSeconds } : {}),
    },
    nbf: iat,
    sub: `system:serviceaccount:${namespace}:${serviceAccount}`,
  };
}

/** The same object has the same UID in all its tokens. */
function uidOf(kind: string, name: string): string {
  const hex = createHash('sha256').update(`${kind}/${name}`).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}

function generateKey(algorithm: TokenAlgorithm): KeyObject {
  return algorithm === 'RS256'
    ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    : generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}
