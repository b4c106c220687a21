import { startCluster } from '../harness/cluster.js';
import { describeKeycloak } from './keycloak-contract.js';

describeKeycloak('kube-apiserver', async () => {
  const cluster = await startCluster({ nodes: 0 });
  await cluster.addNamespace('demo');
  for (const name of ['app', 'other']) await cluster.addServiceAccount('demo', name);
  // Keycloak, which has no token of this cluster, reads its keys as anybody.
  await cluster.bindClusterRoleToUser('system:service-account-issuer-discovery', 'system:anonymous');
  return {
    issuer: cluster.apiServer.issuers[0]!,
    ca: cluster.ca,
    createToken: (serviceAccount, audience) =>
      cluster.createToken('demo', serviceAccount, { audiences: [audience], expirationSeconds: 600 }),
    close: () => cluster[Symbol.asyncDispose](),
  };
});
