import { type AccessAttempt, forbidden } from './kubernetes-status.js';
import type { UserInfo } from './service-account-tokens.js';

interface Grant {
  readonly subject: string;
  readonly verb: string;
  readonly resource: string;
  readonly namespace: string | undefined;
}

/** Where the issuer publishes its keys. */
const DISCOVERY_PATHS = ['/.well-known/openid-configuration', '/openid/v1/jwks'];

/** Who may do what: the part of Kubernetes' RBAC that tokens have to do with. */
export class AccessControl {
  #grants: Grant[] = [];

  /** @param anonymousDiscovery - whether anybody may read the OpenID documents */
  constructor(private readonly anonymousDiscovery: boolean) {}

  /** @param namespace - undefined for all, and the cluster scope */
  allow(subject: string, verb: string, resource: string, namespace: string | undefined): void {
    this.#grants.push({ subject, verb, resource, namespace });
  }

  revokeAll(): void {
    this.#grants = [];
  }

  /** Throws 403 unless the user may. */
  authorize(user: UserInfo, attempt: AccessAttempt): void {
    const isAllowed =
      'path' in attempt
        ? // Cluster role system:service-account-issuer-discovery (plugin/pkg/auth/authorizer/rbac/bootstrappolicy).
          DISCOVERY_PATHS.includes(attempt.path) &&
          (this.anonymousDiscovery || user.groups.includes('system:serviceaccounts'))
        : this.#grants.some(
            ({ subject, verb, resource, namespace }) =>
              (subject === user.username || user.groups.includes(subject)) &&
              verb === attempt.verb &&
              resource === attempt.resource &&
              (namespace === undefined || namespace === attempt.namespace),
          );
    if (!isAllowed) throw forbidden(user.username, attempt);
  }
}
