import { isLoopback, parseUrl } from '../carry/allowed-origins.js';
import { InvalidOptionError } from '../errors.js';
import { type ConnectionOptions, resolveConnectionOptions } from '../internal/connection-options.js';
import type { TokenSource } from '../token-source.js';

/** Options of {@link createTokenVerifier}. */
export interface TokenVerifierOptions extends ConnectionOptions {
  /**
   * Claim `iss` of the tokens, to the letter: `--service-account-issuer` of the API server. With the method `key-set`
   * and without `apiServer` it is also where the keys are found, through OpenID Connect Discovery.
   */
  readonly issuer: string;
  /** What this service calls itself. A token must have at least one of these audiences. */
  readonly audience: string | readonly string[];
  /**
   * How a token is proved genuine.
   *
   * `key-set`: by its signature, with the keys that the issuer publishes. No request per token; the deletion of a pod
   * goes unnoticed until its tokens expire.
   *
   * `token-review`: by asking the API server, which knows that a pod is gone. One request a token in 10 s.
   *
   * @default 'key-set'
   */
  readonly method?: 'key-set' | 'token-review';
  /**
   * The API server, such as `https://kubernetes.default.svc`. It is asked for reviews; for the method `key-set` it is
   * asked for the keys in the place of the issuer, whatever address its discovery document names: that is often one
   * outside of the cluster.
   *
   * @default none; `token-review` needs it
   */
  readonly apiServer?: string | URL;
  /**
   * This service's own token, for the API server (or the issuer, without `apiServer`); it is sent to no other origin. Default
   * RBAC shows the keys to service accounts only; reviews need the cluster role `system:auth-delegator`.
   *
   * @default none: anonymous
   */
  readonly bearer?: TokenSource | (() => string | Promise<string>);
  /** Namespaces whose service accounts are let in. @default all */
  readonly namespaces?: readonly string[];
  /** Service accounts that are let in, each `namespace/name`. With `namespaces` as well, both must agree. @default all */
  readonly serviceAccounts?: readonly string[];
  /** Signature algorithms that are accepted; asymmetric ones only. @default ['RS256', 'ES256', 'ES384', 'ES512'], those of an API server */
  readonly algorithms?: readonly string[];
  /** How far clocks may differ, for `exp`, `nbf` and `iat`; 0 to 300. @default 60, as the API server's own */
  readonly clockToleranceSeconds?: number;
  /** How long an answer of the issuer or the API server may take, in milliseconds; at least 1. @default 5000 */
  readonly timeoutMs?: number;
}

/** The options with defaults, checked. */
export interface ResolvedOptions {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly method: 'key-set' | 'token-review';
  /** Where requests go, and the only origin that gets the bearer. */
  readonly server: URL;
  /** Whether `server` is an API server rather than the issuer. */
  readonly isApiServer: boolean;
  readonly connection: ConnectionOptions;
  readonly bearer: TokenSource | undefined;
  readonly namespaces: readonly string[] | undefined;
  readonly serviceAccounts: readonly string[] | undefined;
  readonly algorithms: readonly string[];
  readonly clockToleranceSeconds: number;
  readonly timeoutMs: number;
}

/** What an API server signs with (kubernetes/kubernetes pkg/serviceaccount/jwt.go). */
const DEFAULT_ALGORITHMS = ['RS256', 'ES256', 'ES384', 'ES512'];
// A public key is no secret: with HMAC, whoever fetches it could sign (RFC 8725 section 2.1).
const ASYMMETRIC = /^(?:(?:RS|PS|ES)(?:256|384|512)|EdDSA|Ed25519|ML-DSA-(?:44|65|87))$/;

/** Checks the options; throws `ERR_TOKEN_OPTION`. */
export function resolveOptions(options: TokenVerifierOptions): ResolvedOptions {
  const { issuer, method = 'key-set', apiServer, bearer, clockToleranceSeconds = 60, timeoutMs = 5000 } = options;
  if (typeof issuer !== 'string' || issuer === '') throw invalid('issuer', 'must be the claim "iss" of the tokens');
  if (method !== 'key-set' && method !== 'token-review') {
    throw invalid('method', 'must be "key-set" or "token-review"');
  }
  if (method === 'token-review' && apiServer === undefined) {
    throw invalid('apiServer', 'is needed for the method "token-review", such as "https://kubernetes.default.svc"');
  }
  const algorithms = nonEmptyList('algorithms', options.algorithms) ?? DEFAULT_ALGORITHMS;
  const symmetric = algorithms.find((algorithm) => !ASYMMETRIC.test(algorithm));
  if (symmetric !== undefined) throw invalid('algorithms', `must be asymmetric ones; "${symmetric}" is not`);
  const serviceAccounts = nonEmptyList('serviceAccounts', options.serviceAccounts);
  if (serviceAccounts?.some((name) => !/^[^/]+\/[^/]+$/.test(name))) {
    throw invalid('serviceAccounts', 'must each have the form "namespace/name"');
  }
  if (!(clockToleranceSeconds >= 0 && clockToleranceSeconds <= 300)) {
    throw invalid('clockToleranceSeconds', 'must be 0 to 300');
  }
  if (!(Number.isInteger(timeoutMs) && timeoutMs >= 1)) throw invalid('timeoutMs', 'must be an integer of at least 1');
  const audiences = nonEmptyList('audience', options.audience === undefined ? [] : [options.audience].flat());
  return {
    issuer,
    audiences: audiences!,
    method,
    server: apiServer === undefined ? secureUrl('issuer', issuer) : secureUrl('apiServer', String(apiServer)),
    isApiServer: apiServer !== undefined,
    connection: resolveConnectionOptions(options),
    bearer: typeof bearer === 'function' ? sourceOf(bearer) : bearer,
    namespaces: nonEmptyList('namespaces', options.namespaces),
    serviceAccounts,
    algorithms,
    clockToleranceSeconds,
    timeoutMs,
  };
}

/**
 * A URL without a slash at its end. Keys that come in clear text could be anybody's, and a token that goes in clear text
 * becomes anybody's.
 */
function secureUrl(option: string, text: string): URL {
  const url = parseUrl(text.replace(/\/$/, ''));
  if (url === undefined || !(url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url)))) {
    const cure = option === 'issuer' ? ', or the option "apiServer" say where the keys are' : '';
    throw invalid(option, `must be a URL with https${cure}`);
  }
  return url;
}

function nonEmptyList(option: string, list: readonly string[] | undefined): readonly string[] | undefined {
  if (list === undefined) return undefined;
  if (!Array.isArray(list) || list.length === 0 || list.some((item) => typeof item !== 'string' || item === '')) {
    throw invalid(option, 'must have at least one value, and no empty one');
  }
  return [...list];
}

function sourceOf(bearer: () => string | Promise<string>): TokenSource {
  return {
    getToken: async () => bearer(),
    replaceToken: async (refused) => {
      const token = await bearer();
      return token === refused ? undefined : token;
    },
  };
}

function invalid(option: string, what: string): InvalidOptionError {
  return new InvalidOptionError(option, `The option "${option}" ${what}.`);
}
