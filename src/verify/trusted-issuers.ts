import type { BoundTokenClaims } from '../token/claims.js';
import { IssuerClient } from './issuer-client.js';
import { KeyDiscovery } from './key-discovery.js';
import { PublishedKeys } from './published-keys.js';
import type { ResolvedIssuer, ResolvedOptions } from './resolve-options.js';
import { ReviewProof } from './review-proof.js';
import { showValues } from './show-values.js';
import { SignatureProof } from './signature-proof.js';
import type { TokenIdentity } from './token-identity.js';
import type { TokenProof } from './token-proof.js';
import { TokenVerificationError } from './token-verification-error.js';
import type { IssuerRecord, VerifierRecord } from './verifier-record.js';

/** An issuer: the proof of its tokens, and its allow-lists. */
export interface TrustedIssuer {
  readonly proof: TokenProof;
  /** Throws `ERR_VERIFY_FORBIDDEN` for a service account that is not allowed. */
  assertAllowed(identity: TokenIdentity): void;
}

/** The issuers of the options, by the claim `iss`. */
export class TrustedIssuers {
  readonly #byName: ReadonlyMap<string, TrustedIssuer>;

  constructor(options: ResolvedOptions, record: VerifierRecord) {
    this.#byName = new Map(
      options.issuers.flatMap((issuer) => {
        const trusted: TrustedIssuer = {
          proof: proofOf(issuer, options, record.issuer(issuer.names[0]!)),
          assertAllowed: (identity) => assertAllowed(identity, issuer),
        };
        return issuer.names.map((name) => [name, trusted] as const);
      }),
    );
  }

  /**
   * Returns the issuer with exactly the claim `iss` of a token.
   *
   * @throws `ERR_VERIFY_ISSUER`
   */
  issuerOf({ iss = '' }: BoundTokenClaims): TrustedIssuer {
    const issuer = this.#byName.get(iss);
    if (issuer !== undefined) return issuer;
    throw new TokenVerificationError(
      'ERR_VERIFY_ISSUER',
      `The issuer of the token is ${showValues([iss])}, not ${showValues([...this.#byName.keys()])}.`,
      { claim: 'iss' },
    );
  }
}

function proofOf(issuer: ResolvedIssuer, { audiences, timeoutMs }: ResolvedOptions, record: IssuerRecord): TokenProof {
  const client = new IssuerClient(issuer, timeoutMs);
  const keys = new PublishedKeys(new KeyDiscovery(client, issuer), record);
  const signature = new SignatureProof(keys);
  if (issuer.method === 'key-set') return signature;
  return new ReviewProof({ client, keys, signature, issuer, record, audiences, timeoutMs });
}

function assertAllowed(
  { namespace, serviceAccount }: TokenIdentity,
  { namespaces, serviceAccounts }: ResolvedIssuer,
): void {
  const name = `${namespace}/${serviceAccount.name}`;
  if ((namespaces?.includes(namespace) ?? true) && (serviceAccounts?.includes(name) ?? true)) return;
  throw new TokenVerificationError(
    'ERR_VERIFY_FORBIDDEN',
    `The service account ${showValues([name])} is not allowed by the options "namespaces" and "serviceAccounts".`,
  );
}
