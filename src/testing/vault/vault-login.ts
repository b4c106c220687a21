import { checkFederatedToken, type TrustedIssuer } from '../federated-token.js';
import type { EmbeddedVaultRole } from './vault-tokens.js';

/** What Vault keeps with a token of the kubernetes auth method. */
export type TokenMetadata = Readonly<
  Record<`service_account_${'name' | 'namespace' | 'secret_name' | 'uid'}` | 'role', string>
>;

/** What a login asks for. */
export interface VaultLogin {
  readonly roleName: string;
  readonly jwt: string;
}

/** Why a login or a renewal is refused: the status, and the text of the error. */
export interface LoginRefusal {
  readonly status: 400 | 403;
  readonly error: string;
}

/** How long past its expiry a service account token is accepted (hashicorp/cap jwt.go, and the API server's TokenReview). */
const LEEWAY_SECONDS = 60;

/** The answer where only the TokenReview finds out, which gives no reason. */
const DENIED: LoginRefusal = { status: 403, error: 'permission denied' };

/**
 * Resolves with what is known of the sender, or with why not: in the order and with the texts of vault-plugin-auth-kubernetes
 * path_login.go.
 */
export async function checkLogin(
  { roleName, jwt }: VaultLogin,
  role: EmbeddedVaultRole | undefined,
  trust: TrustedIssuer,
): Promise<TokenMetadata | LoginRefusal> {
  if (roleName === '') return { status: 400, error: 'missing role' };
  if (jwt === '') return { status: 400, error: 'missing jwt' };
  if (role === undefined) return { status: 400, error: `invalid role name "${roleName}"` };
  const { claims, fault } = await checkFederatedToken(jwt, trust, role.audience ? [role.audience] : ['*']);
  if (fault === 'malformed') return DENIED;
  const isOtherAudience = role.audience !== undefined && ![claims.aud].flat().includes(role.audience);
  if (isOtherAudience) {
    return refusal('invalid audience (aud) claim: audience claim does not match any expected audience');
  }
  if (claims.exp !== undefined && claims.exp + LEEWAY_SECONDS < Date.now() / 1000) {
    return refusal('invalid expiration time (exp) claim: token is expired');
  }
  const [, , namespace = '', serviceAccount = ''] = String(claims.sub).split(':');
  if (!matches(role.serviceAccounts, serviceAccount)) return refusal('service account name not authorized');
  if (!matches(role.namespaces, namespace)) return refusal('namespace not authorized');
  if (fault === 'issuer' || fault === 'signature') return DENIED;
  const bound = claims['kubernetes.io'] as { serviceaccount?: { uid?: string } } | undefined;
  return {
    role: roleName,
    service_account_name: serviceAccount,
    service_account_namespace: namespace,
    service_account_secret_name: '',
    service_account_uid: bound?.serviceaccount?.uid ?? '',
  };
}

/**
 * Resolves with why a token may not be renewed, or with undefined. OpenBao 2.7 checks the service account token of the login again, by
 * the role as it is now; Vault asks only whether the role exists.
 *
 * @param serviceAccount - name of the one that logged in
 */
export async function checkRenewal(
  login: VaultLogin,
  serviceAccount: string,
  role: EmbeddedVaultRole,
  trust: TrustedIssuer,
): Promise<string | undefined> {
  const answer = await checkLogin(login, role, trust);
  if (!('error' in answer)) return undefined;
  if (answer !== DENIED) return answer.error;
  return `failed to validate token and secret still exist for "${serviceAccount}" during renewal: ${answer.error}`;
}

function refusal(error: string): LoginRefusal {
  return { status: 403, error };
}

function matches(bound: readonly string[], name: string): boolean {
  return bound.includes('*') || bound.includes(name);
}
