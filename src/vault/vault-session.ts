import { TokenExchangeError } from '../errors.js';
import { BoundToken } from '../token/bound-token.js';
import { type VaultAnswer, VaultConnection } from './vault-connection.js';
import { parseLease, type VaultLease } from './vault-lease.js';
import type { ResolvedVaultOptions } from './vault-options.js';

/**
 * What can be done with a Vault token: log in for it, renew it, ask whether it is good, revoke it.
 *
 * @see https://developer.hashicorp.com/vault/api-docs/auth/kubernetes and `/auth/token`
 */
export class VaultSession {
  readonly #options: ResolvedVaultOptions;
  readonly #connection: VaultConnection;

  constructor(options: ResolvedVaultOptions) {
    this.#options = options;
    this.#connection = new VaultConnection(options);
  }

  /**
   * Logs in with the newest service account token, and once more where the source has another one after a refusal.
   *
   * @throws `ERR_EXCHANGE_DENIED`, `ERR_EXCHANGE_INVALID`, `ERR_EXCHANGE_UNAVAILABLE`; what the source throws
   */
  async logIn(signal: AbortSignal): Promise<VaultLease> {
    const { source } = this.#options;
    const jwt = await source.getToken({ signal });
    try {
      return await this.#logInWith(jwt, signal);
    } catch (error) {
      if (!(error instanceof TokenExchangeError) || error.code !== 'ERR_EXCHANGE_DENIED') throw error;
      const replacement = await source.replaceToken(jwt, { signal });
      if (replacement === undefined || replacement === jwt) throw error;
      return this.#logInWith(replacement, signal);
    }
  }

  /** Renews a token; undefined when Vault refuses, or gives it no more time. Throws `ERR_EXCHANGE_UNAVAILABLE`. */
  async renew(lease: VaultLease, signal: AbortSignal): Promise<VaultLease | undefined> {
    const askedAtMs = Date.now();
    const { token } = lease;
    const answer = await this.#connection.request('POST', 'auth/token/renew-self', { json: {}, token, signal }, [
      token,
    ]);
    if (answer.status !== 200) return undefined;
    const renewed = parseLease(answer, askedAtMs, lease);
    return Date.now() < renewed.expiresAtMs ? renewed : undefined;
  }

  /**
   * Whether Vault still knows a token. 403 is also its answer to a good token whose policies do not allow the request, and logging
   * in again would not mend that. Where Vault cannot tell, the token counts as good.
   */
  async knows({ token }: VaultLease, signal: AbortSignal): Promise<boolean> {
    try {
      const { status } = await this.#connection.request('GET', 'auth/token/lookup-self', { token, signal }, [token]);
      return status === 200;
    } catch {
      return true;
    }
  }

  /** @throws `ERR_EXCHANGE_DENIED` when Vault refuses, `ERR_EXCHANGE_UNAVAILABLE` */
  async revoke({ token }: VaultLease, signal: AbortSignal): Promise<void> {
    const { status, reasons } = await this.#connection.request(
      'POST',
      'auth/token/revoke-self',
      { json: {}, token, signal },
      [token],
    );
    if (status >= 400) {
      const message = `Vault did not revoke the token: ${status} (${reasons}). It lives on until it expires.`;
      throw new TokenExchangeError('ERR_EXCHANGE_DENIED', message, { status });
    }
  }

  close(): void {
    this.#connection.close();
  }

  async #logInWith(jwt: string, signal: AbortSignal): Promise<VaultLease> {
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
      `Vault refuses the login to ${where}: ${says}. The token ${describe(jwt)}. Check bound_service_account_names and` +
        ` bound_service_account_namespaces of the role, that its audience is one of the token's, the options "mount" and` +
        ` "namespace", that the mount knows this cluster's API server, and that its token reviewer may create TokenReviews` +
        ` (system:auth-delegator).`,
      { status },
    );
  }
}

function describe(jwt: string): string {
  try {
    const { subject, audiences } = BoundToken.parse(jwt);
    return `is of ${subject} for ${audiences.map((audience) => JSON.stringify(audience)).join(', ') || 'no audience'}`;
  } catch {
    return 'is no JWT';
  }
}
