import { SCENE } from '../../contract/api-server/api-server-scene.js';
import { describeApiServer } from '../../contract/api-server-contract.js';
import { describeVault } from '../../contract/vault-contract.js';
import { describeVaultNamespace } from '../../contract/vault-namespace-contract.js';
import { startCluster } from '../harness/cluster.js';
import { mountKubernetesAuth, startKubernetesAuth } from '../harness/kubernetes-auth.js';
import { startOpenBao } from '../harness/open-bao.js';
import { reviewCachesEmpty } from '../harness/review-caches.js';

describeApiServer('kube-apiserver', async () => {
  const cluster = await startCluster({
    nodes: 0,
    apiServerFlags: [`--service-account-max-token-expiration=${SCENE.maxExpirationSeconds}s`],
  });
  await cluster.addNamespace('demo');
  for (const name of SCENE.serviceAccounts) await cluster.addServiceAccount('demo', name);
  await cluster.allowTokenRequests('demo', 'caller');
  await cluster.bindClusterRole('system:auth-delegator', 'demo', 'caller');
  const create = async (path: string, body: object) => (await cluster.admin.ask('POST', path, body)).metadata.uid;
  const uids: Record<string, string> = {
    [SCENE.node]: await create('/api/v1/nodes', { metadata: { name: SCENE.node } }),
    [SCENE.secret]: await create('/api/v1/namespaces/demo/secrets', { metadata: { name: SCENE.secret } }),
  };
  for (const [name, serviceAccountName] of Object.entries(SCENE.pods)) {
    const spec = { serviceAccountName, nodeName: SCENE.node, containers: [{ name: 'c', image: 'none' }] };
    uids[name] = await create('/api/v1/namespaces/demo/pods', { metadata: { name }, spec });
  }
  return {
    origin: cluster.origin,
    ca: cluster.ca,
    issuer: cluster.origin,
    uids: uids as Record<'app-1' | 's' | 'node-x', string>,
    tokenOf: (serviceAccount) => cluster.createToken('demo', serviceAccount),
    delete: async (...objects) => {
      for (const [kind, name] of objects) {
        await cluster.admin.ask('DELETE', `/api/v1/namespaces/demo/${kind}/${name}`, { gracePeriodSeconds: 0 });
      }
      await reviewCachesEmpty();
    },
    close: () => cluster[Symbol.asyncDispose](),
  };
});

describeVault('OpenBao', async () => {
  const cluster = await startCluster({ nodes: 0 });
  await cluster.addNamespace('demo');
  for (const name of ['app', 'other']) await cluster.addServiceAccount('demo', name);
  const vault = await startKubernetesAuth(cluster, { tls: true });
  return {
    address: vault.bao.address,
    ca: vault.bao.ca,
    setRole: (role) => vault.setRole('app', role),
    jwt: async (audience = 'vault', serviceAccount = 'app', expiredSeconds) => {
      const token = await cluster.createToken('demo', serviceAccount, { audiences: [audience] });
      if (expiredSeconds === undefined) return token;
      // An API server signs none for less than ten minutes.
      return cluster.apiServer.signAgain(token, { exp: Math.floor(Date.now() / 1000) - expiredSeconds });
    },
    setReviewing: (isInOrder) => vault.setReviewerAllowed(isInOrder),
    setSealed: (isSealed) => (isSealed ? vault.bao.seal() : vault.bao.unseal()),
    close: async () => {
      await vault.bao[Symbol.asyncDispose]();
      await cluster[Symbol.asyncDispose]();
    },
  };
});

describeVaultNamespace('OpenBao', async () => {
  const cluster = await startCluster({ nodes: 0 });
  await cluster.addNamespace('demo');
  await cluster.addServiceAccount('demo', 'app');
  const namespace = 'team';
  const vault = await mountKubernetesAuth(cluster, await startOpenBao(), namespace);
  return {
    address: vault.bao.address,
    namespace,
    setRole: (role) => vault.setRole('app', role),
    jwt: () => cluster.createToken('demo', 'app', { audiences: ['vault'] }),
    close: async () => {
      await vault.bao[Symbol.asyncDispose]();
      await cluster[Symbol.asyncDispose]();
    },
  };
});
