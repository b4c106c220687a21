import { inspect } from 'node:util';
import { deepFreeze } from '../internal/deep-freeze.js';
import type { BoundTokenClaims, KubernetesObjectReference } from './claims.js';
import { fingerprintOf } from './fingerprint.js';
import { parseJwt } from './parse-jwt.js';
import { refreshAtSeconds } from './schedule.js';

/**
 * Holds one token and its claims; immutable.
 *
 * Everything but {@link BoundToken.value} is safe to log: no `console.log`, `util.inspect`, `JSON.stringify`, `String()`,
 * `structuredClone` or spread gives the token itself away.
 *
 * @example
 * ```ts
 * const token = provider.current;
 * log.info({ token: token?.fingerprint, expiresAt: token?.expiresAt }, 'using token');
 * ```
 */
export class BoundToken {
  /** The claims, deeply frozen. */
  readonly claims: BoundTokenClaims;
  /** First 12 hexadecimal digits of the SHA-256 of the token: tells two tokens apart in a log, and is not a secret. */
  readonly fingerprint: string;
  readonly #value: string;

  private constructor(value: string) {
    this.#value = value;
    this.claims = deepFreeze(parseJwt(value));
    this.fingerprint = fingerprintOf(value);
    Object.freeze(this);
  }

  /**
   * Reads the claims of a token, without a check of its signature.
   *
   * @param value - a JSON Web Token in compact form, without surrounding white space
   * @throws `ERR_TOKEN_MALFORMED` ({@link TokenFileError}) when it is not one
   *
   * @example
   * ```ts
   * const token = BoundToken.parse(await mintToken({ audience: 'vault' }));
   * token.audiences; // ['vault']
   * ```
   */
  static parse(value: string): BoundToken {
    return new BoundToken(value);
  }

  /** The token itself: a secret. Put it into the request that carries it and nowhere else. */
  get value(): string {
    return this.#value;
  }

  /** Claim `aud`, always as a list (RFC 7519 section 4.1.3 allows a single string); empty when there is none. */
  get audiences(): readonly string[] {
    const { aud } = this.claims;
    if (aud === undefined) return [];
    return typeof aud === 'string' ? [aud] : aud;
  }

  /** Claim `iss`. */
  get issuer(): string | undefined {
    return this.claims.iss;
  }

  /** Claim `sub`: `system:serviceaccount:<namespace>:<name>`. */
  get subject(): string | undefined {
    return this.claims.sub;
  }

  get namespace(): string | undefined {
    return this.claims['kubernetes.io']?.namespace;
  }

  get serviceAccount(): KubernetesObjectReference | undefined {
    return this.claims['kubernetes.io']?.serviceaccount;
  }

  /** The pod that the token is bound to; the token dies with it. */
  get pod(): KubernetesObjectReference | undefined {
    return this.claims['kubernetes.io']?.pod;
  }

  /** The node of that pod; since Kubernetes 1.30. */
  get node(): KubernetesObjectReference | undefined {
    return this.claims['kubernetes.io']?.node;
  }

  /** Claim `iat`. */
  get issuedAt(): Date | undefined {
    return dateOf(this.claims.iat);
  }

  /** Claim `nbf`. */
  get notBefore(): Date | undefined {
    return dateOf(this.claims.nbf);
  }

  /** Claim `exp`: past it nobody accepts the token. */
  get expiresAt(): Date | undefined {
    return dateOf(this.claims.exp);
  }

  /** Claim `kubernetes.io.warnafter` of an extended token: past it the token works, and its use is counted as stale. */
  get warnAfter(): Date | undefined {
    return dateOf(this.claims['kubernetes.io']?.warnafter);
  }

  /** When the kubelet starts to replace the token: at 80 % of its lifetime, and after 24 hours at the latest. */
  get refreshAt(): Date | undefined {
    return dateOf(refreshAtSeconds(this.claims));
  }

  /** Returns what may be shown of the token; used by `JSON.stringify`. */
  toJSON(): Record<string, unknown> {
    return {
      fingerprint: this.fingerprint,
      audiences: this.audiences,
      issuer: this.issuer,
      subject: this.subject,
      namespace: this.namespace,
      serviceAccount: this.serviceAccount,
      pod: this.pod,
      node: this.node,
      issuedAt: this.issuedAt,
      notBefore: this.notBefore,
      expiresAt: this.expiresAt,
      warnAfter: this.warnAfter,
      refreshAt: this.refreshAt,
    };
  }

  toString(): string {
    return `BoundToken(${this.fingerprint})`;
  }

  [inspect.custom](_depth: number, options: import('node:util').InspectOptions): string {
    const shown = Object.entries(this.toJSON()).filter(([, value]) => value !== undefined);
    return `BoundToken ${inspect(Object.fromEntries(shown), options)}`;
  }
}

function dateOf(seconds: number | undefined): Date | undefined {
  // A new Date each time: dates can be changed, the snapshot cannot.
  return seconds === undefined ? undefined : new Date(seconds * 1000);
}
