import { EmbeddedVault, TokenIssuer } from 'projected-token/testing';
import { describeVault } from './vault-contract.js';

describeVault('EmbeddedVault', async () => {
  const issuer = await TokenIssuer.create({ issuer: 'https://oidc.cluster.test', algorithm: 'ES256', newKey: true });
  const vault = await EmbeddedVault.start({
    trust: issuer,
    roles: {},
    secrets: { shop: { password: 'correct horse' } },
    tls: true,
  });
  return {
    address: vault.address,
    ca: vault.ca,
    setRole: async (role) => vault.setRole('app', role),
    jwt: async (audience = 'vault', serviceAccount = 'app') =>
      issuer.mint({ audience, serviceAccount, namespace: 'demo' }),
    setSealed: async (isSealed) => {
      vault.isSealed = isSealed;
    },
    close: () => vault.close(),
  };
});
