import { type ConfigurationOptions, CoreV1Api, KubeConfig, Observable } from '@kubernetes/client-node';
import { InvalidOptionError, TokenExchangeError } from '../errors.js';
import type { ExchangeIdentity } from '../exchange/exchange-figures.js';
import type { Exchange } from '../exchange/exchange-provider.js';
import type { Grant } from '../exchange/grant.js';
import { refreshAt } from '../exchange/refresh-at.js';
import { withDeadline } from '../internal/deadline.js';
import { isError } from '../internal/is-error.js';
import type { ApiRequest } from './carry-api-request.js';
import { tokenRequestError } from './token-request-error.js';
import type { ResolvedTokenRequestOptions } from './token-request-options.js';

/** Share of its life after which a token is replaced, as by the kubelet. */
const REFRESH_SHARE = 0.8;

/** A token is no longer handed out this close to its expiry, as a request takes time to arrive. */
const EXPIRY_MARGIN_MS = 10_000;

/**
 * Requests tokens as `kubectl create token` does.
 *
 * @see https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
 */
export class TokenRequester implements Exchange<Grant> {
  readonly identity: ExchangeIdentity;
  readonly #options: ResolvedTokenRequestOptions;
  readonly #api: CoreV1Api;

  /** @throws `ERR_TOKEN_OPTION` if the configuration has no cluster */
  constructor(options: ResolvedTokenRequestOptions) {
    const { namespace, serviceAccount, audiences, kubeConfig } = options;
    const { api, server } = clusterOf(kubeConfig);
    const identity = [`${namespace}/${serviceAccount}`, ...audiences].join(' ');
    this.identity = { kind: 'token-request', server, identity };
    this.#options = options;
    this.#api = api;
  }

  /** @throws `ERR_EXCHANGE_DENIED`, `ERR_EXCHANGE_INVALID`, `ERR_EXCHANGE_UNAVAILABLE` */
  async obtain(_inUse: Grant | undefined, signal: AbortSignal): Promise<Grant> {
    const { namespace, serviceAccount, audiences, expirationSeconds, boundObjectRef, timeoutMs } = this.#options;
    const spec = {
      audiences: [...audiences],
      expirationSeconds,
      ...(boundObjectRef && { boundObjectRef: { ...boundObjectRef, apiVersion: boundObjectRef.apiVersion ?? 'v1' } }),
    };
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
    const request = { namespace, name: serviceAccount, body };
    const askedAtMs = Date.now();
    const sent: SentCredentials = {};
    try {
      const ask = (signal: AbortSignal) =>
        this.#api.createNamespacedServiceAccountToken(request, endingWith(signal, sent));
      const { status } = await withDeadline(ask, { timeoutMs, toError: () => noAnswer(timeoutMs), signal });
      return grantOf(status, askedAtMs);
    } catch (error) {
      throw tokenRequestError(error, this.#options, sent.authorization);
    }
  }
}

/** Credentials of a request, so that no message quotes them. */
interface SentCredentials {
  authorization?: string | undefined;
}

function noAnswer(timeoutMs: number): TokenExchangeError {
  return new TokenExchangeError(
    'ERR_EXCHANGE_UNAVAILABLE',
    `The API server did not answer the TokenRequest within ${timeoutMs} ms (option "timeoutMs"). Check the cluster of the option "kubeConfig" and the network policy.`,
  );
}

function clusterOf(given: KubeConfig | undefined): { readonly api: CoreV1Api; readonly server: string } {
  try {
    const kubeConfig = given ?? defaultKubeConfig();
    const api = kubeConfig.makeApiClient(CoreV1Api);
    return { api, server: new URL(kubeConfig.getCurrentCluster()!.server).origin };
  } catch (error) {
    // The YAML parser's error quotes the file, which may hold credentials.
    const isOfSystem = isError(error) && 'syscall' in error;
    throw new InvalidOptionError(
      'kubeConfig',
      'No cluster is configured. Set the option "kubeConfig" to a configuration with a current context, or check KUBECONFIG and ~/.kube/config.',
      isOfSystem ? { cause: error } : {},
    );
  }
}

function defaultKubeConfig(): KubeConfig {
  const found = new KubeConfig();
  found.loadFromDefault();
  return found;
}

/** Closes the connection of a request when its wait ends; a server that does not answer would keep the process alive. */
function endingWith(signal: AbortSignal, sent: SentCredentials): ConfigurationOptions {
  const pass = <T>(value: T) => new Observable(Promise.resolve(value));
  return {
    middlewareMergeStrategy: 'append',
    middleware: [
      {
        pre(request) {
          sent.authorization = Object.entries(request.getHeaders()).find(([name]) =>
            /^authorization$/i.test(name),
          )?.[1];
          endWith(signal, request);
          return pass(request);
        },
        post: pass,
      },
    ],
  };
}

/** Destroys the sender, which the client makes for each request: a dispatcher since version 2, an agent before. */
function endWith(signal: AbortSignal, request: Pick<ApiRequest, 'getAgent' | 'getDispatcher'>): void {
  const sender = request.getDispatcher?.() ?? request.getAgent?.();
  signal.addEventListener('abort', () => void sender?.destroy());
}

/** Takes the returned expiry, not the requested one: a server may have a maximum (`--service-account-max-token-expiration`). */
function grantOf(status: { token?: string; expirationTimestamp?: Date } | undefined, askedAtMs: number): Grant {
  const expiresAtMs = new Date(status?.expirationTimestamp ?? Number.NaN).getTime();
  if (typeof status?.token !== 'string' || status.token === '' || Number.isNaN(expiresAtMs)) {
    throw new TokenExchangeError(
      'ERR_EXCHANGE_INVALID',
      'The answer to the TokenRequest holds no token with an expiry. Check that the cluster in the option "kubeConfig" is an API server.',
    );
  }
  return {
    token: status.token,
    obtainedAtMs: askedAtMs,
    expiresAtMs: expiresAtMs - EXPIRY_MARGIN_MS,
    refreshAtMs: refreshAt(askedAtMs, expiresAtMs - askedAtMs, REFRESH_SHARE),
  };
}
