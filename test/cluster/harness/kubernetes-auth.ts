import { randomUUID } from 'node:crypto';
import type { EmbeddedVaultRole } from 'projected-token/testing';
import type { Cluster } from './cluster.js';
import { type OpenBao, type OpenBaoOptions, startOpenBao } from './open-bao.js';

/** An OpenBao that takes the service account tokens of a cluster, with the secret `shop`. */
export interface KubernetesAuth {
  readonly bao: OpenBao;
  /** Writes a role and the policy of its name, or deletes the role. */
  setRole(name: string, role: EmbeddedVaultRole | undefined): Promise<void>;
  /** Gives or takes away the right of its reviewer to create TokenReviews. */
  setReviewerAllowed(isAllowed: boolean): Promise<void>;
}

const REVIEWER_BINDING = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';

/** Starts OpenBao and lets it trust the cluster. */
export async function startKubernetesAuth(cluster: Cluster, options: OpenBaoOptions = {}): Promise<KubernetesAuth> {
  return mountKubernetesAuth(cluster, await startOpenBao(options));
}

/**
 * Lets an OpenBao trust the cluster: as `kubernetes` auth method, with a service account of its own for its TokenReviews.
 *
 * @param namespace - of OpenBao, which is created, and in which all of it is. Default: none, the root
 */
export async function mountKubernetesAuth(cluster: Cluster, bao: OpenBao, namespace?: string): Promise<KubernetesAuth> {
  const { root } = bao;
  // A path under the namespace is the same as the header X-Vault-Namespace.
  const api = namespace === undefined ? '/v1' : `/v1/${namespace}`;
  if (namespace !== undefined) await root.ask('POST', `/v1/sys/namespaces/${namespace}`, {});
  const reviewerName = `reviewer-${randomUUID()}`;
  await cluster.addServiceAccount('default', reviewerName);
  const reviewer = await cluster.createToken('default', reviewerName, { expirationSeconds: 86_400 });
  let isReviewerAllowed = false;
  const setReviewerAllowed = async (isAllowed: boolean) => {
    if (isAllowed === isReviewerAllowed) return;
    isReviewerAllowed = isAllowed;
    if (isAllowed) await cluster.bindClusterRole('system:auth-delegator', 'default', reviewerName);
    else await cluster.admin.ask('DELETE', `${REVIEWER_BINDING}/system:auth-delegator:${reviewerName}`);
  };
  await setReviewerAllowed(true);
  await root.ask('POST', `${api}/sys/auth/kubernetes`, { type: 'kubernetes' });
  await root.ask('POST', `${api}/auth/kubernetes/config`, {
    kubernetes_host: cluster.origin,
    kubernetes_ca_cert: cluster.ca,
    token_reviewer_jwt: reviewer,
    disable_local_ca_jwt: true,
  });
  await root.ask('POST', `${api}/sys/mounts/secret`, { type: 'kv', options: { version: '2' } });
  // A mount of version 2 is upgraded in the background, and refuses writes until then.
  await untilAnswered(() => root.ask('POST', `${api}/secret/data/shop`, { data: { password: 'correct horse' } }));
  // A standby logs in by itself, and reads the CA of the API server when it is started and then every 30 s: until then it denies.
  await bao.restartStandbys();
  return {
    bao,
    setReviewerAllowed,
    setRole: async (name, role) => {
      const path = `${api}/auth/kubernetes/role/${name}`;
      if (role === undefined) {
        await root.ask('DELETE', path);
        return;
      }
      await root.ask('PUT', `${api}/sys/policies/acl/${name}`, { policy: policyOf(role) });
      await root.ask('POST', path, {
        bound_service_account_names: role.serviceAccounts.join(','),
        bound_service_account_namespaces: role.namespaces.join(','),
        audience: role.audience ?? '',
        token_ttl: role.periodSeconds === undefined ? (role.ttlSeconds ?? 3600) : 0,
        token_max_ttl: role.maxTtlSeconds ?? 0,
        token_period: role.periodSeconds ?? 0,
        token_type: role.tokenType ?? 'service',
        token_num_uses: role.tokenNumUses ?? 0,
        token_no_default_policy: role.noDefaultPolicy ?? false,
        token_policies: (role.policies ?? [name]).join(','),
      });
      await bao.untilReplicated(path);
    },
  };
}

function policyOf({ readable = ['*'], writable = [] }: EmbeddedVaultRole): string {
  const rules = new Map<string, string[]>(readable.map((path) => [path, ['read']]));
  for (const path of writable) rules.set(path, [...(rules.get(path) ?? []), 'create', 'update', 'delete']);
  return [...rules]
    .map(([path, capabilities]) => `path "secret/data/${path}" { capabilities = ${JSON.stringify(capabilities)} }`)
    .join('\n');
}

async function untilAnswered(ask: () => Promise<unknown>): Promise<void> {
  const giveUpAt = performance.now() + 30_000;
  for (;;) {
    try {
      await ask();
      return;
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
