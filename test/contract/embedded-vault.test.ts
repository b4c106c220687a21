import { EmbeddedVault, TokenIssuer } from 'projected-token/testing';
import { describeVault } from './vault-contract.js';
import { describeVaultNamespace } from './vault-namespace-contract.js';

describeVault('EmbeddedVault', async () => {
  const issuer = await TokenIssuer.create({ issuer: 'https://oidc.cluster.test', algorithm: 'ES256', newKey: true });
  let isReviewing = true;
  const vault = await EmbeddedVault.start({
    trust: {
      issuer: issuer.issuer,
      get jwks() {
        return isReviewing ? issuer.jwks : { keys: [] };
      },
    },
    roles: {},
    secrets: { shop: { password: 'correct horse' } },
    tls: true,
  });
  return {
    address: vault.origin,
    ca: vault.ca,
    setRole: async (role) => vault.setRole('app', role),
    jwt: async (audience = 'vault', serviceAccount = 'app', expiredSeconds) => {
      const exp = expiredSeconds === undefined ? {} : { exp: Math.floor(Date.now() / 1000) - expiredSeconds };
      return issuer.mint({ audience, serviceAccount, namespace: 'demo', claims: exp });
    },
    setReviewing: async (isInOrder) => {
      isReviewing = isInOrder;
    },
    setSealed: async (isSealed) => {
      vault.isSealed = isSealed;
    },
    close: () => vault.close(),
  };
});

describeVaultNamespace('EmbeddedVault', async () => {
  const issuer = await TokenIssuer.create({ issuer: 'https://oidc.cluster.test', algorithm: 'ES256', newKey: true });
  const namespace = 'team';
  const secrets = { shop: { password: 'correct horse' } };
  const vault = await EmbeddedVault.start({ trust: issuer, roles: {}, secrets, namespace });
  return {
    address: vault.origin,
    namespace,
    setRole: async (role) => vault.setRole('app', role),
    jwt: async () => issuer.mint({ audience: 'vault', serviceAccount: 'app', namespace: 'demo' }),
    close: () => vault.close(),
  };
});
