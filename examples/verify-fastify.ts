/**
 * A Fastify service that lets in who sends a token of its cluster, made for this service. Others get 401.
 *
 * Run: npx tsx examples/verify-fastify.ts
 * Environment: TOKEN_AUDIENCE (what this service calls itself), TOKEN_ISSUER, API_SERVER (both default to
 * https://kubernetes.default.svc), SERVICE_ACCOUNT_DIRECTORY (with this service's own token, and the CA), PORT (default 8080)
 */
import { readFile } from 'node:fs/promises';
import Fastify from 'fastify';
import { ProjectedTokenProvider } from 'projected-token';
import { createTokenVerifier, requireToken, tokenIdentityOf } from 'projected-token/verify';

const directory = process.env.SERVICE_ACCOUNT_DIRECTORY ?? '/var/run/secrets/kubernetes.io/serviceaccount';

const verifier = createTokenVerifier({
  issuer: process.env.TOKEN_ISSUER ?? 'https://kubernetes.default.svc',
  audience: process.env.TOKEN_AUDIENCE ?? 'orders',
  apiServer: process.env.API_SERVER ?? 'https://kubernetes.default.svc',
  ca: await readFile(`${directory}/ca.crt`),
  // By default an API server shows its keys to service accounts only.
  bearer: await ProjectedTokenProvider.open({ path: `${directory}/token` }),
});

const app = Fastify();
app.addHook(
  'onRequest',
  requireToken(verifier, { onRefused: (error) => console.log(error?.message ?? 'No token was sent.') }),
);
app.get('/whoami', async (request) => {
  const { namespace, serviceAccount } = tokenIdentityOf(request);
  return { namespace, serviceAccount: serviceAccount.name };
});

const address = await app.listen({ port: Number(process.env.PORT ?? 8080), host: '0.0.0.0' });
console.log(`Listening on port ${new URL(address).port}`);
process.once('SIGTERM', () => app.close());
