import { EmbeddedApiServer } from 'projected-token/testing';
import { describeKeycloak } from './keycloak-contract.js';

describeKeycloak('the stand-in for an API server', async () => {
  const server = await EmbeddedApiServer.start({ tls: true, anonymousDiscovery: true });
  for (const name of ['app', 'other']) server.addServiceAccount('demo', name);
  return {
    issuer: server.issuer,
    ca: server.ca!,
    createToken: async (serviceAccount, audience) =>
      (await server.createToken('demo', serviceAccount, { audiences: [audience], expirationSeconds: 600 })).token,
    close: () => server.close(),
  };
});
