import { AllowedOrigins, parseUrl } from '../carry/allowed-origins.js';
import { InvalidOptionError } from '../errors.js';
import { type ExchangeLimits, type ExchangeOptions, resolveExchangeOptions } from '../exchange/exchange-options.js';
import { requiredSource } from '../exchange/source-token.js';
import { type ConnectionOptions, resolveConnectionOptions } from '../internal/connection-options.js';
import { requiredText } from '../internal/option-checks.js';
import type { TokenSource } from '../token-source.js';

/** Options of {@link VaultTokenProvider.open}. */
export interface VaultTokenProviderOptions extends ConnectionOptions, ExchangeOptions {
  /** Address of Vault or OpenBao, such as `https://vault.internal:8200`; the `VAULT_ADDR` of Vault's command line. */
  readonly address: string | URL;
  /** Role of the kubernetes auth method to log in with. */
  readonly role: string;
  /** Where the service account token comes from; asked at each login. */
  readonly source: TokenSource;
  /**
   * Path at which the kubernetes auth method is mounted, without `auth/`.
   *
   * @default 'kubernetes'
   */
  readonly mount?: string | undefined;
  /**
   * Namespace of the auth method in Vault Enterprise, HCP or OpenBao (header `X-Vault-Namespace`).
   *
   * @default none
   */
  readonly namespace?: string | undefined;
  /**
   * Further origins that may get tokens. With high availability, list the `api_addr` of every node: a standby that cannot forward a
   * request redirects it to the active node. An `address` with `http:` that is not loopback must be listed here too.
   *
   * @default none
   */
  readonly origins?: readonly (string | URL)[] | undefined;
  /**
   * Whether `close` revokes the token, and with it every lease obtained with it, such as the database user of this process.
   *
   * @default false
   */
  readonly revokeOnClose?: boolean | undefined;
}

/** The options with every default filled in. */
export interface ResolvedVaultOptions extends ExchangeLimits {
  readonly address: URL;
  readonly role: string;
  readonly source: TokenSource;
  readonly mount: string;
  readonly namespace: string | undefined;
  readonly connection: ConnectionOptions;
  readonly origins: AllowedOrigins;
  readonly revokeOnClose: boolean;
}

/** Checks the options and fills in the defaults; throws `ERR_TOKEN_OPTION`, `ERR_TOKEN_ORIGIN`. */
export function resolveVaultOptions(options: VaultTokenProviderOptions): ResolvedVaultOptions {
  const { namespace, origins, revokeOnClose = false } = options;
  const address = parseUrl(String(options.address));
  if (address === undefined || !isPlainHttp(address)) {
    const example = 'such as https://vault.internal:8200, without credentials or query';
    throw new InvalidOptionError(
      'address',
      `The option "address" must be the https: (or http:) address of Vault, ${example}.`,
    );
  }
  return {
    address,
    role: requiredText('role', options.role, 'the name of a role of the kubernetes auth method'),
    source: requiredSource('source', options.source),
    mount: mountPath(options.mount ?? 'kubernetes'),
    namespace,
    connection: resolveConnectionOptions(options),
    origins: new AllowedOrigins(origins, address.href),
    revokeOnClose,
    ...resolveExchangeOptions(options),
  };
}

function isPlainHttp({ protocol, username, password, search, hash }: URL): boolean {
  return /^https?:$/.test(protocol) && username + password + search + hash === '';
}

function mountPath(mount: string): string {
  const parts = requiredText('mount', mount, 'the path of the auth method, such as "kubernetes"')
    .replace(/^\/|\/$/g, '')
    .split('/');
  if (parts.some((part) => ['', '.', '..'].includes(part))) {
    throw new InvalidOptionError(
      'mount',
      'The option "mount" must be the path of the auth method, such as "kubernetes".',
    );
  }
  return parts.map(encodeURIComponent).join('/');
}
