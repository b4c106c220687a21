import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { raceAbort } from '../abort.js';
import { TokenExchangeError } from '../errors.js';
import type { Grant } from '../exchange/exchanged-token.js';
import { tokenRequestError } from './token-request-error.js';
import type { ResolvedTokenRequestOptions } from './token-request-options.js';

/** Share of its life after which a token is replaced, as the kubelet does it, and how far one process differs from the next. */
const REFRESH_SHARE = 0.8;
const REFRESH_SPREAD = 0.1;

/** How close to its expiry a token is not handed out any more: a request takes time to arrive. */
const EXPIRY_MARGIN_MS = 10_000;

/**
 * What `kubectl create token` does.
 *
 * @see https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
 */
export class TokenRequester {
  readonly #options: ResolvedTokenRequestOptions;
  #api: CoreV1Api | undefined;

  constructor(options: ResolvedTokenRequestOptions) {
    this.#options = options;
  }

  /** @throws `ERR_EXCHANGE_DENIED`, `ERR_EXCHANGE_INVALID`, `ERR_EXCHANGE_UNAVAILABLE` */
  async request(signal: AbortSignal): Promise<Grant> {
    const { namespace, serviceAccount, audiences, expirationSeconds, boundObjectRef, timeoutMs } = this.#options;
    const spec = {
      audiences: [...audiences],
      expirationSeconds,
      ...(boundObjectRef !== undefined && { boundObjectRef: { apiVersion: 'v1', ...boundObjectRef } }),
    };
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
    const askedAtMs = Date.now();
    const patience = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    try {
      this.#api ??= makeApi(this.#options.kubeConfig);
      const asked = this.#api.createNamespacedServiceAccountToken({ namespace, name: serviceAccount, body });
      const { status } = await raceAbort(asked, patience, () => patience.reason);
      return grantOf(status, askedAtMs);
    } catch (error) {
      throw tokenRequestError(error, this.#options);
    }
  }
}

function makeApi(kubeConfig: KubeConfig | undefined): CoreV1Api {
  if (kubeConfig !== undefined) return kubeConfig.makeApiClient(CoreV1Api);
  const found = new KubeConfig();
  found.loadFromDefault();
  return found.makeApiClient(CoreV1Api);
}

/** The returned expiry counts, not the one asked for: a server may have a maximum (`--service-account-max-token-expiration`). */
function grantOf(status: { token?: string; expirationTimestamp?: Date } | undefined, askedAtMs: number): Grant {
  const expiresAtMs = new Date(status?.expirationTimestamp ?? Number.NaN).getTime();
  if (typeof status?.token !== 'string' || status.token === '' || Number.isNaN(expiresAtMs)) {
    throw new TokenExchangeError(
      'ERR_EXCHANGE_INVALID',
      'The answer to the TokenRequest holds no token with an expiry.',
    );
  }
  const share = REFRESH_SHARE + (Math.random() - 0.5) * REFRESH_SPREAD;
  return {
    token: status.token,
    obtainedAtMs: askedAtMs,
    expiresAtMs: expiresAtMs - EXPIRY_MARGIN_MS,
    refreshAtMs: askedAtMs + (expiresAtMs - askedAtMs) * share,
  };
}
