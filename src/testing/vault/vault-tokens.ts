import { randomBytes, randomUUID } from 'node:crypto';

/** A role of the kubernetes auth method. */
export interface EmbeddedVaultRole {
  /** `bound_service_account_names`; `*` for any. */
  readonly serviceAccounts: readonly string[];
  /** `bound_service_account_namespaces`; `*` for any. */
  readonly namespaces: readonly string[];
  /** `audience`. @default any that the token has */
  readonly audience?: string;
  /** `token_ttl` in seconds. @default 3600 */
  readonly ttlSeconds?: number;
  /** `token_max_ttl` in seconds. @default 32 days, as Vault's own */
  readonly maxTtlSeconds?: number;
  /** `token_type`. @default 'service' */
  readonly tokenType?: 'service' | 'batch';
  /** `token_num_uses`: how many requests a token is good for. @default 0, any number */
  readonly tokenNumUses?: number;
  /** `token_no_default_policy`: whether a token may not look itself up, renew itself or revoke itself. @default false */
  readonly noDefaultPolicy?: boolean;
  /** Paths of secrets that its tokens may read. @default all */
  readonly readable?: readonly string[];
}

/** A token that was given out. */
export interface VaultTokenEntry {
  readonly token: string;
  readonly accessor: string;
  readonly roleName: string;
  /** The role as it was at the login. */
  readonly role: EmbeddedVaultRole;
  readonly issuedAtMs: number;
  /** In whole seconds, as Vault counts. */
  leaseSeconds: number;
  expiresAtMs: number;
  /** 0 for any number; -1 after the last one, as Vault tells it. */
  usesLeft: number;
  readonly metadata: Readonly<Record<string, string>>;
}

const MAX_TTL_SECONDS = 32 * 24 * 3600;

/** The token store of an `EmbeddedVault`. */
export class VaultTokens {
  readonly #entries = new Map<string, VaultTokenEntry>();

  issue(roleName: string, role: EmbeddedVaultRole, metadata: Readonly<Record<string, string>>): VaultTokenEntry {
    const isBatch = role.tokenType === 'batch';
    const entry: VaultTokenEntry = {
      token: isBatch ? `hvb.${randomBytes(96).toString('base64url')}` : `hvs.${randomBytes(66).toString('base64url')}`,
      accessor: isBatch ? '' : randomBytes(18).toString('base64url'),
      roleName,
      role,
      issuedAtMs: Date.now(),
      leaseSeconds: 0,
      expiresAtMs: 0,
      usesLeft: role.tokenNumUses ?? 0,
      metadata,
    };
    this.renew(entry, role);
    this.#entries.set(entry.token, entry);
    return entry;
  }

  /** Undefined for a token that is not known, was revoked, or has expired. */
  find(token: string | undefined): VaultTokenEntry | undefined {
    const entry = this.#entries.get(token ?? '');
    return entry !== undefined && Date.now() < entry.expiresAtMs ? entry : undefined;
  }

  /** Counts a request of a token that has a limit. The last one is answered; after it the token is not known any more. */
  use(entry: VaultTokenEntry): void {
    if (entry.usesLeft === 0) return;
    entry.usesLeft = entry.usesLeft === 1 ? -1 : entry.usesLeft - 1;
    if (entry.usesLeft < 0) this.revoke(entry.token);
  }

  /**
   * Gives another TTL from now on, up to the maximum TTL; returns false when that is over.
   *
   * @param role - what the role is now
   */
  renew(entry: VaultTokenEntry, role: EmbeddedVaultRole): boolean {
    const { ttlSeconds = 3600, maxTtlSeconds = MAX_TTL_SECONDS } = role;
    // Vault cuts both times to whole seconds (sdk/framework/lease.go, CalculateTTL).
    const ageSeconds = Math.floor(Date.now() / 1000) - Math.floor(entry.issuedAtMs / 1000);
    const leaseSeconds = Math.min(ttlSeconds, maxTtlSeconds - ageSeconds);
    if (leaseSeconds <= 0) return false;
    entry.leaseSeconds = leaseSeconds;
    entry.expiresAtMs = Date.now() + leaseSeconds * 1000;
    return true;
  }

  revoke(token: string): void {
    this.#entries.delete(token);
  }

  revokeAll(): void {
    this.#entries.clear();
  }

  get size(): number {
    return [...this.#entries.values()].filter(({ expiresAtMs }) => Date.now() < expiresAtMs).length;
  }
}

/** The body that Vault answers a login or a renewal with: at the top level the lease is always empty. */
export function authResponse(entry: VaultTokenEntry): Record<string, unknown> {
  const { role, metadata, token, accessor } = entry;
  const isBatch = role.tokenType === 'batch';
  return envelope(null, {
    client_token: token,
    accessor,
    policies: policiesOf(entry),
    token_policies: policiesOf(entry),
    metadata,
    lease_duration: entry.leaseSeconds,
    renewable: !isBatch,
    entity_id: randomUUID(),
    token_type: isBatch ? 'batch' : 'service',
    orphan: true,
    mfa_requirement: null,
    num_uses: role.tokenNumUses ?? 0,
  });
}

/** The body that Vault answers a lookup with. */
export function lookupResponse(entry: VaultTokenEntry): Record<string, unknown> {
  const { role, metadata, token, accessor, issuedAtMs, expiresAtMs } = entry;
  return envelope({
    id: token,
    accessor,
    creation_time: Math.floor(issuedAtMs / 1000),
    creation_ttl: role.ttlSeconds ?? 3600,
    expire_time: new Date(expiresAtMs).toISOString(),
    explicit_max_ttl: 0,
    issue_time: new Date(issuedAtMs).toISOString(),
    meta: metadata,
    num_uses: entry.usesLeft,
    path: 'auth/kubernetes/login',
    policies: policiesOf(entry),
    renewable: role.tokenType !== 'batch',
    ttl: secondsLeft(entry),
    type: role.tokenType ?? 'service',
  });
}

/** What every body of Vault has around its data. */
export function envelope(data: unknown, auth: unknown = null): Record<string, unknown> {
  return {
    request_id: randomUUID(),
    lease_id: '',
    renewable: false,
    lease_duration: 0,
    data,
    wrap_info: null,
    warnings: null,
    auth,
  };
}

function policiesOf({ role, roleName }: VaultTokenEntry): string[] {
  return role.noDefaultPolicy ? [roleName] : ['default', roleName];
}

function secondsLeft({ expiresAtMs }: VaultTokenEntry): number {
  return Math.max(0, Math.round((expiresAtMs - Date.now()) / 1000));
}
