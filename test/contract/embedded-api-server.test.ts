import { EmbeddedApiServer } from 'projected-token/testing';
import { SCENE } from './api-server/api-server-scene.js';
import { describeApiServer } from './api-server-contract.js';

describeApiServer('EmbeddedApiServer', async () => {
  const { maxExpirationSeconds, serviceAccounts, pods } = SCENE;
  const server = await EmbeddedApiServer.start({ tls: true, algorithm: 'RS256', maxExpirationSeconds });
  for (const name of serviceAccounts) server.addServiceAccount('demo', name);
  const caller = 'system:serviceaccount:demo:caller';
  server.allow(caller, 'create', 'serviceaccounts/token');
  server.allow(caller, 'create', 'tokenreviews');
  const uids: Record<string, string> = {
    [SCENE.node]: server.addNode(SCENE.node).uid,
    [SCENE.secret]: server.addSecret('demo', SCENE.secret).uid,
  };
  for (const [name, serviceAccount] of Object.entries(pods)) {
    uids[name] = server.addPod({ namespace: 'demo', name, serviceAccount, node: SCENE.node }).uid;
  }
  return {
    origin: server.origin,
    ca: server.ca,
    issuer: server.issuer,
    uids: uids as Record<'app-1' | 's' | 'node-x', string>,
    tokenOf: async (serviceAccount) => (await server.createToken('demo', serviceAccount)).token,
    delete: async (...objects) => {
      for (const [kind, name] of objects) {
        if (kind === 'pods') server.deletePod('demo', name);
        else if (kind === 'secrets') server.deleteSecret('demo', name);
        else server.deleteServiceAccount('demo', name);
      }
    },
    close: () => server.close(),
  };
});
