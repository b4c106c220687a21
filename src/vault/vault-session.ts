import { TokenExchangeError } from '../errors.js';
import type { ExchangeIdentity } from '../exchange/exchange-figures.js';
import type { Exchange } from '../exchange/exchange-provider.js';
import type { Verdict } from '../exchange/exchanged-token.js';
import { exchangeNewest } from '../exchange/source-token.js';
import { withDeadline } from '../internal/deadline.js';
import { describeToken } from '../token/describe-token.js';
import { type VaultAnswer, VaultConnection } from './vault-connection.js';
import { parseLease, type VaultLease } from './vault-lease.js';
import type { ResolvedVaultOptions } from './vault-options.js';

/** Time limit of the revocation when the provider is closed, in milliseconds. */
const REVOCATION_TIMEOUT_MS = 5_000;

/**
 * Answers to a renewal that say nothing about the token: the node has not caught up (412), a quota (429), a standby (472, 473), no
 * active node behind a proxy (502 to 504). A login would fail as well. 500 is different: Vault's answer to a renewal past the maximum
 * TTL, or of a deleted role (vault/expiration.go).
 */
const OUTAGE_STATUSES: readonly (number | undefined)[] = [undefined, 412, 429, 472, 473, 502, 503, 504];

/**
 * Logs in to Vault, and renews, looks up and revokes the token.
 *
 * @see https://developer.hashicorp.com/vault/api-docs/auth/kubernetes and `/auth/token`
 */
export class VaultSession implements Exchange<VaultLease> {
  readonly identity: ExchangeIdentity;
  readonly #options: ResolvedVaultOptions;
  readonly #connection: VaultConnection;

  constructor(options: ResolvedVaultOptions) {
    const { address, mount, role, namespace } = options;
    const where = namespace === undefined ? '' : `${namespace}/`;
    this.identity = { kind: 'vault', server: address.origin, identity: `${where}auth/${mount}/role/${role}` };
    this.#options = options;
    this.#connection = new VaultConnection(options);
  }

  /**
   * Renews the lease in use if it can be renewed; otherwise logs in with the newest service account token.
   *
   * @throws `ERR_EXCHANGE_DENIED`, `ERR_EXCHANGE_INVALID`, `ERR_EXCHANGE_UNAVAILABLE`; what the source throws
   */
  async obtain(inUse: VaultLease | undefined, signal: AbortSignal): Promise<VaultLease> {
    const renewed = inUse?.isRenewable ? await this.#renew(inUse, signal) : undefined;
    if (renewed !== undefined) return renewed;
    const { source, timeoutMs } = this.#options;
    return exchangeNewest(source, (jwt) => this.#logIn(jwt, signal), timeoutMs, signal);
  }

  /**
   * Asks Vault whether it still knows a token. Vault also answers 403 to a valid token whose policies do not allow the request, which
   * another login would not fix. If Vault cannot be reached, the token counts as valid.
   */
  async verdictOn({ token }: VaultLease, signal: AbortSignal): Promise<Verdict> {
    try {
      const answer = await this.#connection.request('GET', 'auth/token/lookup-self', { token, signal }, [token]);
      if (answer.status === 200) return 'accepted';
      return answer.status === 403 ? verdictOf(answer) : 'unknown';
    } catch {
      return 'accepted';
    }
  }

  /** Revokes the lease in use if `revokeOnClose` is set, and closes the connections. */
  async end(lease: VaultLease | undefined): Promise<void> {
    try {
      if (this.#options.revokeOnClose && lease?.isRevocable) await this.#revoke(lease);
    } finally {
      await this.#connection.close();
    }
  }

  /** Resolves with undefined if Vault denies it or does not extend the lease; a login may work. */
  async #renew(lease: VaultLease, signal: AbortSignal): Promise<VaultLease | undefined> {
    const askedAtMs = Date.now();
    const { token } = lease;
    let answer: VaultAnswer;
    try {
      answer = await this.#connection.request('POST', 'auth/token/renew-self', { json: {}, token, signal }, [token]);
    } catch (error) {
      if (OUTAGE_STATUSES.includes((error as Partial<TokenExchangeError>).status)) throw error;
      return undefined;
    }
    if (answer.status !== 200) return undefined;
    const renewed = parseLease(answer, askedAtMs, lease);
    return Date.now() < renewed.expiresAtMs ? renewed : undefined;
  }

  /** @throws `ERR_EXCHANGE_DENIED` if Vault denies it, `ERR_EXCHANGE_UNAVAILABLE` */
  async #revoke({ token }: VaultLease): Promise<void> {
    const toError = () =>
      new TokenExchangeError(
        'ERR_EXCHANGE_UNAVAILABLE',
        `Vault did not revoke the token within ${REVOCATION_TIMEOUT_MS} ms. The token stays valid until it expires.`,
      );
    const { status, reasons } = await withDeadline(
      (signal) => this.#connection.request('POST', 'auth/token/revoke-self', { json: {}, token, signal }, [token]),
      { timeoutMs: REVOCATION_TIMEOUT_MS, toError },
    );
    if (status >= 400) {
      const message = `Vault did not revoke the token: ${status} (${reasons}). The token stays valid until it expires.`;
      throw new TokenExchangeError('ERR_EXCHANGE_DENIED', message, { status });
    }
  }

  async #logIn(jwt: string, signal: AbortSignal): Promise<VaultLease> {
    const { mount, role } = this.#options;
    const askedAtMs = Date.now();
    const answer = await this.#connection.request('POST', `auth/${mount}/login`, { json: { role, jwt }, signal }, [
      jwt,
    ]);
    if (answer.status === 200) return parseLease(answer, askedAtMs);
    throw this.#loginError(answer, jwt);
  }

  #loginError({ status, reasons }: VaultAnswer, jwt: string): TokenExchangeError {
    const { role, mount, namespace } = this.#options;
    const where = `the role "${role}" of auth/${mount}${namespace === undefined ? '' : ` in the namespace "${namespace}"`}`;
    const says = reasons === '' ? `${status}` : `${status} (${reasons})`;
    if (status !== 403) {
      return new TokenExchangeError(
        'ERR_EXCHANGE_INVALID',
        `Vault cannot log in to ${where}: ${says}. Check that the role exists, and the options "address", "mount", "namespace" and "role".`,
        { status },
      );
    }
    return new TokenExchangeError(
      'ERR_EXCHANGE_DENIED',
      `Vault rejects the login to ${where}: ${says}. The token ${describeToken(jwt)}. Check bound_service_account_names and` +
        ` bound_service_account_namespaces of the role, that its audience is one of the token's, the options "mount" and` +
        ` "namespace", that the mount knows this cluster's API server, and that its token reviewer may create TokenReviews` +
        ` (system:auth-delegator).`,
      // Vault gives no reason if its TokenReview fails, and at a cluster start the API server may just be late.
      { status, isRetryable: reasons === 'permission denied' },
    );
  }
}

/**
 * Tells the two meanings of 403 apart by the text. Denied by policy: "1 error occurred: * permission denied". Invalid token:
 * "permission denied" (OpenBao), "2 errors occurred: * permission denied * invalid token" (Vault).
 */
function verdictOf({ reasons }: VaultAnswer): Verdict {
  if (/\binvalid token\b/.test(reasons) || reasons === 'permission denied') return 'rejected';
  return /^\d+ errors? occurred:/.test(reasons) ? 'accepted' : 'unknown';
}
