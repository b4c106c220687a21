/**
 * A Fastify plugin for both sides: requests are let in with a token of the cluster that was made for this service, `request.caller`
 * says who sent one, and `app.ordersFetch` calls another service with this service's own token. The kubelet gets an answer at `/readyz`
 * without a token.
 *
 * Run: npx tsx examples/fastify-plugin.ts
 * Environment: TOKEN_PATH (default /var/run/secrets/tokens) and SERVICE_URL for the calls; TOKEN_AUDIENCE (what this service calls
 * itself), TOKEN_ISSUER, API_SERVER (both default to https://kubernetes.default.svc), SERVICE_ACCOUNT_DIRECTORY; PORT (default 8080)
 */
import Fastify from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import { ProjectedTokenProvider } from 'projected-token';
import { withToken } from 'projected-token/fetch';
import { createTokenVerifier, requireToken, type TokenIdentity, tokenIdentityOf } from 'projected-token/verify';

declare module 'fastify' {
  interface FastifyInstance {
    ordersFetch: typeof fetch;
  }
  interface FastifyRequest {
    readonly caller: TokenIdentity;
  }
}

const orders = new URL(process.env.SERVICE_URL ?? 'https://orders.shop.svc');
const directory = process.env.SERVICE_ACCOUNT_DIRECTORY ?? '/var/run/secrets/kubernetes.io/serviceaccount';

const tokens = fastifyPlugin(async (app) => {
  const provider = await ProjectedTokenProvider.open({ path: process.env.TOKEN_PATH, waitForToken: false });
  app.decorate('ordersFetch', withToken(fetch, provider, { origins: [orders.origin] }));

  app.get('/readyz', async (_request, reply) => {
    const { status } = provider;
    return reply.code(status.state === 'ready' ? 200 : 503).send(status);
  });

  const bearer = await ProjectedTokenProvider.open({ path: `${directory}/token` });
  const verifier = createTokenVerifier({
    issuer: process.env.TOKEN_ISSUER ?? 'https://kubernetes.default.svc',
    audience: process.env.TOKEN_AUDIENCE ?? 'shop',
    apiServer: process.env.API_SERVER ?? 'https://kubernetes.default.svc',
    ca: `${directory}/ca.crt`,
    bearer,
  });
  const guard = requireToken(verifier);
  // The kubelet sends no token.
  app.addHook('onRequest', (request, reply, done) =>
    request.routeOptions.url === '/readyz' ? done() : guard(request, reply, done),
  );
  app.decorateRequest('caller', {
    getter() {
      return tokenIdentityOf(this);
    },
  });

  app.addHook('onClose', async () => {
    await Promise.all([provider.close(), bearer.close()]);
  });
});

const app = Fastify();
await app.register(tokens);
app.get('/orders', async ({ caller }) => {
  const response = await app.ordersFetch(new URL('/orders', orders));
  return { caller: `${caller.namespace}/${caller.serviceAccount.name}`, orders: await response.json() };
});

const address = await app.listen({ port: Number(process.env.PORT ?? 8080), host: '0.0.0.0' });
console.log(`Listening on port ${new URL(address).port}`);
process.once('SIGTERM', () => app.close());
