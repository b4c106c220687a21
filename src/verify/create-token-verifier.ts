import { assertClaims } from './assert-claims.js';
import { IssuerClient } from './issuer-client.js';
import { parseToken } from './parse-token.js';
import { PublishedKeys } from './published-keys.js';
import { statedIdentity, type TokenIdentity } from './token-identity.js';
import type { TokenProof } from './token-proof.js';
import { TokenReviews } from './token-reviews.js';
import { TokenVerificationError } from './token-verification-error.js';
import { type ResolvedOptions, resolveOptions, type TokenVerifierOptions } from './token-verifier-options.js';

/** Verifies the tokens that a service receives. */
export interface TokenVerifier {
  /**
   * Resolves with the sender of a token, once it is proved genuine, in its time, and for this service.
   *
   * @param token - what followed `Bearer ` in the request
   * @throws {@link TokenVerificationError}, whose `code` says why; its message holds no bytes of the token
   */
  verify(token: string): Promise<TokenIdentity>;
}

/**
 * Makes a verifier of bound service account tokens, for the service that receives them. It connects to nothing until the
 * first token comes, and there is nothing to close.
 *
 * What is cheap comes first: form, header, issuer, audience and time are looked at before the keys are used or the API
 * server is asked, and the allow-lists after that, so that only genuine tokens get to know about them.
 *
 * @throws `ERR_TOKEN_OPTION` for options that cannot work
 *
 * @example
 * ```ts
 * const verifier = createTokenVerifier({
 *   issuer: 'https://kubernetes.default.svc.cluster.local',
 *   audience: 'billing',
 *   apiServer: 'https://kubernetes.default.svc',
 *   ca: readFileSync('/var/run/secrets/kubernetes.io/serviceaccount/ca.crt'),
 *   bearer: await ProjectedTokenProvider.open({ path: '/var/run/secrets/kubernetes.io/serviceaccount/token' }),
 *   serviceAccounts: ['shop/checkout'],
 * });
 * const { namespace, serviceAccount, pod } = await verifier.verify(token);
 * ```
 */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const resolved = resolveOptions(options);
  const client = new IssuerClient(resolved);
  const proof: TokenProof =
    resolved.method === 'key-set' ? new PublishedKeys(client, resolved) : new TokenReviews(client, resolved);

  return {
    async verify(token) {
      const parsed = parseToken(token, resolved.algorithms);
      assertClaims(parsed.token, resolved, Date.now());
      const identity = statedIdentity(parsed.token, resolved.audiences);
      await proof.prove(parsed);
      assertAllowed(identity, resolved);
      return identity;
    },
  };
}

function assertAllowed(
  { namespace, serviceAccount }: TokenIdentity,
  { namespaces, serviceAccounts }: ResolvedOptions,
): void {
  const name = `${namespace}/${serviceAccount.name}`;
  if ((namespaces?.includes(namespace) ?? true) && (serviceAccounts?.includes(name) ?? true)) return;
  throw new TokenVerificationError(
    'ERR_VERIFY_FORBIDDEN',
    `The service account ${name} is not let in by the options "namespaces" and "serviceAccounts".`,
  );
}
