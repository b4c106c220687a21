import { checkFederatedToken, type TrustedIssuer } from '../federated-token.js';
import type { LoopbackResponse } from '../loopback-server.js';
import { denied, failure } from './vault-answers.js';
import type { EmbeddedVaultRole } from './vault-tokens.js';

/** What Vault keeps with a token of the kubernetes auth method. */
export type TokenMetadata = Readonly<
  Record<`service_account_${'name' | 'namespace' | 'secret_name' | 'uid'}` | 'role', string>
>;

/** How long past its expiry a service account token is accepted (hashicorp/cap jwt.go, and the API server's TokenReview). */
const LEEWAY_SECONDS = 60;

/**
 * Resolves with what is known of the sender, or with why not: in the order and with the texts of vault-plugin-auth-kubernetes
 * path_login.go.
 */
export async function checkLogin(
  { roleName, jwt }: { readonly roleName: string; readonly jwt: string },
  role: EmbeddedVaultRole | undefined,
  trust: TrustedIssuer,
): Promise<TokenMetadata | LoopbackResponse> {
  if (roleName === '') return failure(400, 'missing role');
  if (jwt === '') return failure(400, 'missing jwt');
  if (role === undefined) return failure(400, `invalid role name "${roleName}"`);
  const { claims, fault } = await checkFederatedToken(jwt, trust, role.audience ? [role.audience] : ['*']);
  if (fault === 'malformed') return denied();
  const isOtherAudience = role.audience !== undefined && ![claims.aud].flat().includes(role.audience);
  if (isOtherAudience) {
    return failure(403, 'invalid audience (aud) claim: audience claim does not match any expected audience');
  }
  if (claims.exp !== undefined && claims.exp + LEEWAY_SECONDS < Date.now() / 1000) {
    return failure(403, 'invalid expiration time (exp) claim: token is expired');
  }
  const [, , namespace = '', serviceAccount = ''] = String(claims.sub).split(':');
  if (!matches(role.serviceAccounts, serviceAccount)) return failure(403, 'service account name not authorized');
  if (!matches(role.namespaces, namespace)) return failure(403, 'namespace not authorized');
  // What only the TokenReview finds out is not told.
  if (fault === 'issuer' || fault === 'signature') return denied();
  const bound = claims['kubernetes.io'] as { serviceaccount?: { uid?: string } } | undefined;
  return {
    role: roleName,
    service_account_name: serviceAccount,
    service_account_namespace: namespace,
    service_account_secret_name: '',
    service_account_uid: bound?.serviceaccount?.uid ?? '',
  };
}

function matches(bound: readonly string[], name: string): boolean {
  return bound.includes('*') || bound.includes(name);
}
