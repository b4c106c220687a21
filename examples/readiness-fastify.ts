/**
 * Probes of a Fastify service that needs its token.
 *
 * The rule: ready while the token is usable; not ready after `expired`, until another token is there. Alive all the while: a restart
 * brings no other token, for it is the kubelet that writes the volume.
 *
 * Run: npx tsx examples/readiness-fastify.ts
 * Environment: TOKEN_PATH (default /var/run/secrets/tokens), TOKEN_AUDIENCE, PORT (default 8080)
 */
import Fastify from 'fastify';
import { ProjectedTokenProvider } from 'projected-token';

const provider = await ProjectedTokenProvider.open({
  path: process.env.TOKEN_PATH,
  audience: process.env.TOKEN_AUDIENCE,
});
provider.on('expired', () => console.error(`Not ready: ${provider.status.lastError?.message ?? 'the token expired'}`));
provider.on('recovered', () => console.log('Ready again'));

const app = Fastify();
app.get('/livez', async () => 'ok');
app.get('/readyz', async (_request, reply) => {
  // A plain object without secrets.
  const { status } = provider;
  return reply.code(status.state === 'ready' ? 200 : 503).send(status);
});

const address = await app.listen({ port: Number(process.env.PORT ?? 8080), host: '0.0.0.0' });
console.log(`Listening on port ${new URL(address).port}`);
process.once('SIGTERM', () => app.close());
