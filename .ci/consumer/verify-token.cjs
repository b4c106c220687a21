const assert = require('node:assert/strict');

/** Verifies a genuine token and a forged one by the keys that an API server publishes over TLS. */
exports.verifyToken = async function verifyToken(load) {
  const { EmbeddedApiServer } = await load('projected-token/testing');
  const { createTokenVerifier } = await load('projected-token/verify');
  const server = await EmbeddedApiServer.start({ tls: true, anonymousDiscovery: true });
  try {
    server.addServiceAccount('shop', 'checkout');
    const { token } = await server.createToken('shop', 'checkout', { audiences: ['billing'] });
    const verifier = createTokenVerifier({ issuer: server.issuer, audience: 'billing', ca: server.ca });
    const { namespace, serviceAccount } = await verifier.verify(token);
    assert.deepEqual([namespace, serviceAccount.name], ['shop', 'checkout']);

    const unsigned = token.slice(0, token.lastIndexOf('.'));
    const forged = `${unsigned}.${Buffer.alloc(256).toString('base64url')}`;
    await assert.rejects(verifier.verify(forged), { code: 'ERR_VERIFY_SIGNATURE' });
  } finally {
    await server.close();
  }
};
