import type { EmbeddedVaultRole } from 'projected-token/testing';

/** A server that speaks Vault's API: OpenBao, or the stand-in for it. Its role is `app`, and it has the secret `shop`. */
export interface VaultUnderTest {
  readonly address: string;
  readonly ca: string | undefined;
  /** Writes the role `app`, or deletes it. */
  setRole(role: EmbeddedVaultRole | undefined): Promise<void>;
  /** A new token of the service account `demo/app`, or of `demo/other`; one that expired so many seconds ago, where that is given. */
  jwt(audience?: string, serviceAccount?: 'app' | 'other', expiredSeconds?: number): Promise<string>;
  /** Whether what reviews service account tokens for it is in order. */
  setReviewing(isInOrder: boolean): Promise<void>;
  setSealed(isSealed: boolean): Promise<void>;
  close(): Promise<void>;
}

/** The role `app`, as most of the contract has it. */
export const ROLE: EmbeddedVaultRole = {
  serviceAccounts: ['app'],
  namespaces: ['demo'],
  audience: 'vault',
  ttlSeconds: 600,
  readable: ['shop', 'own'],
  writable: ['own'],
};
