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
  /** `token_period` in seconds: what a renewal gives, without a maximum. @default 0, not periodic */
  readonly periodSeconds?: number;
  /** `token_type`. @default 'service' */
  readonly tokenType?: 'service' | 'batch';
  /** `token_num_uses`: how many requests a token is good for. @default 0, any number */
  readonly tokenNumUses?: number;
  /** `token_no_default_policy`: whether a token may not look itself up, renew itself or revoke itself. @default false */
  readonly noDefaultPolicy?: boolean;
  /** `token_policies`: names, told by login and lookup. What they allow is `readable` and `writable`. @default the role's name */
  readonly policies?: readonly string[];
  /** Paths of secrets that its tokens may read. @default all */
  readonly readable?: readonly string[];
  /** Paths of secrets that its tokens may write and delete. @default none */
  readonly writable?: readonly string[];
}

/** A token that was given out. */
export interface VaultTokenEntry {
  readonly token: string;
  readonly accessor: string;
  /** The service account token of its login. */
  readonly jwt: string;
  readonly roleName: string;
  /** The role as it was at the login. */
  readonly role: EmbeddedVaultRole;
  readonly issuedAtMs: number;
  /** What Vault warned of when the lease was given. */
  warnings: readonly string[] | null;
  lastRenewalAtMs: number | undefined;
  /** In whole seconds, as Vault counts. */
  leaseSeconds: number;
  expiresAtMs: number;
  /** 0 for any number; -1 after the last one, as Vault tells it. */
  usesLeft: number;
  /** Of the identity that stands for the service account, the same at each login. */
  readonly entityId: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly place: AuthMethodPlace;
}

/** Where the auth method is whose login gave a token. */
export interface AuthMethodPlace {
  /** Without `auth/`. */
  readonly mount: string;
  /** Without a slash at its ends; empty for the root. */
  readonly namespace: string;
}

const MAX_TTL_SECONDS = 32 * 24 * 3600;

/** The token store of an `EmbeddedVault`. */
export class VaultTokens {
  readonly #entries = new Map<string, VaultTokenEntry>();
  readonly #entityIds = new Map<string, string>();

  constructor(private readonly place: AuthMethodPlace) {}

  issue(
    { roleName, jwt }: { readonly roleName: string; readonly jwt: string },
    role: EmbeddedVaultRole,
    metadata: Readonly<Record<string, string>>,
  ): VaultTokenEntry {
    const isBatch = role.tokenType === 'batch';
    const entry: VaultTokenEntry = {
      token: isBatch ? `hvb.${randomBytes(96).toString('base64url')}` : `hvs.${randomBytes(66).toString('base64url')}`,
      accessor: isBatch ? '' : randomBytes(18).toString('base64url'),
      jwt,
      roleName,
      role,
      issuedAtMs: Date.now(),
      warnings: null,
      lastRenewalAtMs: undefined,
      leaseSeconds: 0,
      expiresAtMs: 0,
      usesLeft: role.tokenNumUses ?? 0,
      entityId: this.#entityIdOf(metadata.service_account_uid!),
      metadata,
      place: this.place,
    };
    this.#grant(entry, role, 0);
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
   * @param incrementSeconds - the TTL that was asked for; 0 for that of the role. A periodic token gets its period
   */
  renew(entry: VaultTokenEntry, role: EmbeddedVaultRole, incrementSeconds: number): boolean {
    if (!this.#grant(entry, role, incrementSeconds)) return false;
    entry.lastRenewalAtMs = Date.now();
    return true;
  }

  #grant(entry: VaultTokenEntry, role: EmbeddedVaultRole, incrementSeconds: number): boolean {
    const { ttlSeconds = 3600, maxTtlSeconds = MAX_TTL_SECONDS, periodSeconds = 0 } = role;
    const wantedSeconds = periodSeconds || incrementSeconds || ttlSeconds;
    // Vault cuts both times to whole seconds (sdk/framework/lease.go, CalculateTTL).
    const ageSeconds = Math.floor(Date.now() / 1000) - Math.floor(entry.issuedAtMs / 1000);
    const mostSeconds = periodSeconds > 0 ? Number.POSITIVE_INFINITY : maxTtlSeconds - ageSeconds;
    const leaseSeconds = Math.min(wantedSeconds, mostSeconds);
    if (leaseSeconds <= 0) return false;
    const isCapped = mostSeconds < wantedSeconds;
    const capped = () =>
      `TTL of "${goDuration(wantedSeconds)}" exceeded the effective max_ttl of "${goDuration(mostSeconds)}"; TTL value is capped accordingly`;
    entry.warnings = isCapped ? [capped()] : null;
    entry.leaseSeconds = leaseSeconds;
    entry.expiresAtMs = Date.now() + leaseSeconds * 1000;
    return true;
  }

  #entityIdOf(serviceAccountUid: string): string {
    const known = this.#entityIds.get(serviceAccountUid) ?? randomUUID();
    this.#entityIds.set(serviceAccountUid, known);
    return known;
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
  const { role, metadata, token, accessor, warnings } = entry;
  const isBatch = role.tokenType === 'batch';
  const auth = {
    client_token: token,
    accessor,
    policies: policiesOf(entry),
    token_policies: policiesOf(entry),
    metadata,
    lease_duration: entry.leaseSeconds,
    renewable: !isBatch,
    entity_id: entry.entityId,
    token_type: isBatch ? 'batch' : 'service',
    orphan: true,
    mfa_requirement: null,
    num_uses: role.tokenNumUses ?? 0,
  };
  return { ...envelope(null, auth), warnings };
}

/** The body that Vault answers a lookup with. */
export function lookupResponse(entry: VaultTokenEntry): Record<string, unknown> {
  const { role, metadata, token, accessor, issuedAtMs, expiresAtMs, lastRenewalAtMs } = entry;
  const { periodSeconds = 0 } = role;
  const { mount, namespace } = entry.place;
  // The mount's whole path, of which Vault leaves out "auth/" where that is at the beginning (vault/request_handling.go).
  const source = namespace === '' ? mount : `${namespace}/auth/${mount}`;
  return envelope({
    id: token,
    accessor,
    creation_time: Math.floor(issuedAtMs / 1000),
    creation_ttl: periodSeconds || (role.ttlSeconds ?? 3600),
    display_name: `${source.replaceAll('/', '-')}-${metadata.service_account_namespace}-${metadata.service_account_name}`,
    entity_id: entry.entityId,
    expire_time: new Date(expiresAtMs).toISOString(),
    explicit_max_ttl: 0,
    issue_time: new Date(issuedAtMs).toISOString(),
    ...(lastRenewalAtMs !== undefined && {
      last_renewal: new Date(lastRenewalAtMs).toISOString(),
      last_renewal_time: Math.floor(lastRenewalAtMs / 1000),
    }),
    meta: metadata,
    ...(namespace !== '' && { namespace_path: `${namespace}/` }),
    num_uses: entry.usesLeft,
    orphan: true,
    path: `auth/${mount}/login`,
    ...(periodSeconds > 0 && { period: periodSeconds }),
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

/** In the order of the alphabet, as Vault tells them. */
function policiesOf({ role, roleName }: VaultTokenEntry): string[] {
  const { policies = [roleName], noDefaultPolicy } = role;
  return [...new Set([...(noDefaultPolicy ? [] : ['default']), ...policies])].sort();
}

function secondsLeft({ expiresAtMs }: VaultTokenEntry): number {
  return Math.max(0, Math.floor((expiresAtMs - Date.now()) / 1000));
}

/** A duration as Go prints it, such as `1m30s`. */
function goDuration(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  const parts = [hours > 0 && `${hours}h`, (hours > 0 || minutes > 0) && `${minutes}m`, `${seconds % 60}s`];
  return parts.filter(Boolean).join('');
}
