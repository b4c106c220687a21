import { isLoopback, parseUrl } from '../carry/allowed-origins.js';
import { InvalidOptionError } from '../errors.js';
import { type ConnectionOptions, resolveConnectionOptions } from '../internal/connection-options.js';
import { MAX_TIMER_MS, numberIn } from '../internal/option-checks.js';
import type { TokenSource } from '../token-source.js';
import type {
  MultiIssuerTokenVerifierOptions,
  TokenIssuerOptions,
  TokenVerifierOptions,
} from './token-verifier-options.js';

type VerifierOptions = TokenVerifierOptions | MultiIssuerTokenVerifierOptions;

/** The checked options with every default filled in. */
export interface ResolvedOptions {
  readonly audiences: readonly string[];
  readonly algorithms: readonly string[];
  readonly clockToleranceSeconds: number;
  readonly timeoutMs: number;
  readonly issuers: readonly ResolvedIssuer[];
}

/** One issuer: its keys prove tokens with any of its names, and with no other. */
export interface ResolvedIssuer {
  /** Values of the claim `iss`; no other issuer has any of them. */
  readonly names: readonly string[];
  readonly method: 'key-set' | 'token-review';
  readonly fallbackMethod: 'key-set' | undefined;
  /** Where requests go, and the only origin that gets the bearer. */
  readonly server: URL;
  /** Whether `server` is an API server rather than the issuer. */
  readonly isApiServer: boolean;
  readonly connection: ConnectionOptions;
  readonly bearer: TokenSource | undefined;
  readonly namespaces: readonly string[] | undefined;
  readonly serviceAccounts: readonly string[] | undefined;
}

/** What an API server signs with (kubernetes/kubernetes pkg/serviceaccount/jwt.go). */
const DEFAULT_ALGORITHMS = ['RS256', 'ES256', 'ES384', 'ES512'];
// With HMAC, whoever fetches the public key could sign with it (RFC 8725 section 2.1).
const ASYMMETRIC = /^(?:(?:RS|PS|ES)(?:256|384|512)|EdDSA|Ed25519|ML-DSA-(?:44|65|87))$/;

/** The options that belong to each entry of `issuers`, not beside it. */
const ISSUER_OPTIONS = [
  'issuer',
  'method',
  'fallbackMethod',
  'apiServer',
  'ca',
  'clientCertificate',
  'serverName',
  'dispatcher',
  'bearer',
  'namespaces',
  'serviceAccounts',
] as const satisfies readonly (keyof TokenIssuerOptions)[];

/** Checks the options; throws `ERR_TOKEN_OPTION`. */
export function resolveOptions(options: VerifierOptions): ResolvedOptions {
  const algorithms = nonEmptyList('algorithms', options.algorithms) ?? DEFAULT_ALGORITHMS;
  const symmetric = algorithms.find((algorithm) => !ASYMMETRIC.test(algorithm));
  if (symmetric !== undefined) throw invalid('algorithms', `must be asymmetric; "${symmetric}" is not`);
  return {
    audiences: nonEmptyList('audience', listOf(options.audience))!,
    algorithms,
    clockToleranceSeconds: numberIn('clockToleranceSeconds', options.clockToleranceSeconds, 60, 0, 300),
    timeoutMs: numberIn('timeoutMs', options.timeoutMs, 5000, 1, MAX_TIMER_MS),
    issuers: resolveIssuers(options),
  };
}

function resolveIssuers(options: VerifierOptions): readonly ResolvedIssuer[] {
  if (!('issuers' in options) || options.issuers === undefined) return resolveIssuer(options as TokenVerifierOptions);
  const misplaced = ISSUER_OPTIONS.find((option) => (options as Partial<TokenIssuerOptions>)[option] !== undefined);
  if (misplaced !== undefined) {
    throw invalid(misplaced, 'belongs to one issuer: with the option "issuers", set it in each entry that needs it');
  }
  if (!Array.isArray(options.issuers) || options.issuers.length === 0) {
    throw invalid('issuers', 'must have at least one issuer');
  }
  const issuers = options.issuers.flatMap(resolveIssuer);
  const names = issuers.flatMap((issuer) => issuer.names);
  const double = names.find((name, index) => names.indexOf(name) !== index);
  if (double !== undefined) {
    throw invalid(
      'issuers',
      `has the issuer ${JSON.stringify(double)} twice, so a token's cluster cannot be told: give one of the clusters another --service-account-issuer`,
    );
  }
  return issuers;
}

function resolveIssuer(options: TokenIssuerOptions): readonly ResolvedIssuer[] {
  const { method = 'key-set', fallbackMethod, apiServer, bearer } = options;
  const names = [...new Set(nonEmptyList('issuer', listOf(options.issuer)))];
  if (method !== 'key-set' && method !== 'token-review') {
    throw invalid('method', 'must be "key-set" or "token-review"');
  }
  if (method === 'token-review' && apiServer === undefined) {
    throw invalid('apiServer', 'is needed for the method "token-review", such as "https://kubernetes.default.svc"');
  }
  if (fallbackMethod !== undefined && (method !== 'token-review' || fallbackMethod !== 'key-set')) {
    throw invalid('fallbackMethod', 'must be "key-set", and only the method "token-review" has one');
  }
  const serviceAccounts = nonEmptyList('serviceAccounts', options.serviceAccounts);
  if (serviceAccounts?.some((name) => !/^[^/]+\/[^/]+$/.test(name))) {
    throw invalid('serviceAccounts', 'must each have the form "namespace/name"');
  }
  const common = {
    method,
    fallbackMethod,
    connection: resolveConnectionOptions(options),
    bearer: typeof bearer === 'function' ? sourceOf(bearer) : bearer,
    namespaces: nonEmptyList('namespaces', options.namespaces),
    serviceAccounts,
  };
  if (apiServer !== undefined) {
    return [{ ...common, names, server: secureUrl('apiServer', String(apiServer)), isApiServer: true }];
  }
  if (bearer !== undefined && names.length > 1) {
    throw invalid(
      'bearer',
      'would go to several issuers: set the option "apiServer", or use "issuers" with an entry for each',
    );
  }
  return names.map((name) => ({ ...common, names: [name], server: secureUrl('issuer', name), isApiServer: false }));
}

/**
 * Returns a URL without a trailing slash; https only, except for loopback: in clear text, keys could be forged and the token stolen.
 */
function secureUrl(option: string, text: string): URL {
  const url = parseUrl(text.replace(/\/$/, ''));
  if (url === undefined || !(url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url)))) {
    const fix = option === 'issuer' ? ', or the option "apiServer" must be set to fetch the keys from' : '';
    throw invalid(option, `must be a URL with https${fix}`);
  }
  return url;
}

/** Returns a single value as a list of one, undefined as an empty list. */
function listOf(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : [value].flat();
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
