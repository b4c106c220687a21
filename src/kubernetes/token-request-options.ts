import type { KubeConfig } from '@kubernetes/client-node';
import { InvalidOptionError } from '../errors.js';
import { type ExchangeLimits, type ExchangeOptions, resolveExchangeOptions } from '../exchange/exchange-options.js';
import { numberIn, requiredText } from '../internal/option-checks.js';

/** The object that a token is bound to; deleting it invalidates the token (TokenRequestSpec.boundObjectRef). */
export interface BoundObjectReference {
  readonly kind: 'Pod' | 'Secret' | 'Node';
  readonly name: string;
  /** @default 'v1' */
  readonly apiVersion?: string | undefined;
  /** UID of the object. @default not checked */
  readonly uid?: string | undefined;
}

/** Options of {@link TokenRequestProvider.open}. */
export interface TokenRequestProviderOptions extends ExchangeOptions {
  /** Namespace of the service account. */
  readonly namespace: string;
  /** Name of the service account. */
  readonly serviceAccount: string;
  /**
   * Audiences of the token.
   *
   * @default the API server
   */
  readonly audiences?: readonly string[] | undefined;
  /**
   * Life of a token in seconds, from 600 to 2^32. The API server may give less.
   *
   * @default 3600
   */
  readonly expirationSeconds?: number | undefined;
  /**
   * The object that the token is bound to.
   *
   * @default none; the token is valid until it expires or its service account is deleted
   */
  readonly boundObjectRef?: BoundObjectReference | undefined;
  /**
   * The cluster, and the user that requests the token, who needs the verb `create` on `serviceaccounts/token`.
   *
   * @default `KUBECONFIG`, `~/.kube/config`, or the pod's service account, as kubectl (`loadFromDefault`)
   */
  readonly kubeConfig?: KubeConfig | undefined;
}

/** The options with every default filled in. */
export interface ResolvedTokenRequestOptions extends ExchangeLimits {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
  readonly boundObjectRef: BoundObjectReference | undefined;
  readonly kubeConfig: KubeConfig | undefined;
}

/** ValidateTokenRequest (kubernetes/kubernetes pkg/apis/authentication/validation/validation.go). */
const MIN_EXPIRATION_SECONDS = 600;
const MAX_EXPIRATION_SECONDS = 2 ** 32;

/** Checks the options and fills in the defaults; throws `ERR_TOKEN_OPTION`. */
export function resolveTokenRequestOptions(options: TokenRequestProviderOptions): ResolvedTokenRequestOptions {
  const { audiences = [], boundObjectRef, kubeConfig } = options;
  if (!Array.isArray(audiences) || audiences.some((audience) => typeof audience !== 'string' || audience === '')) {
    throw new InvalidOptionError('audiences', 'The option "audiences" must be a list of audiences, such as ["vault"].');
  }
  if (boundObjectRef !== undefined && !['Pod', 'Secret', 'Node'].includes(boundObjectRef.kind)) {
    throw new InvalidOptionError('boundObjectRef', 'The option "boundObjectRef" must name a Pod, a Secret or a Node.');
  }
  const expirationSeconds = numberIn(
    'expirationSeconds',
    options.expirationSeconds,
    3600,
    MIN_EXPIRATION_SECONDS,
    MAX_EXPIRATION_SECONDS,
  );
  return {
    namespace: requiredText('namespace', options.namespace, 'the namespace of the service account'),
    serviceAccount: requiredText('serviceAccount', options.serviceAccount, 'the name of a service account'),
    audiences,
    expirationSeconds: Math.floor(expirationSeconds),
    boundObjectRef,
    kubeConfig,
    ...resolveExchangeOptions(options),
  };
}
