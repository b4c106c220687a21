/**
 * Probes of an Express service that needs its token.
 *
 * The rule: ready while the token is usable; not ready after `expired`, until another token is there. Alive all the while: a restart
 * brings no other token, for it is the kubelet that writes the volume.
 *
 * Run: npx tsx examples/readiness-express.ts
 * Environment: TOKEN_PATH (default /var/run/secrets/tokens), TOKEN_AUDIENCE, PORT (default 8080)
 */
import type { AddressInfo } from 'node:net';
import express from 'express';
import { ProjectedTokenProvider } from 'projected-token';

const provider = await ProjectedTokenProvider.open({
  path: process.env.TOKEN_PATH,
  audience: process.env.TOKEN_AUDIENCE,
});
provider.on('expired', () => console.error(`Not ready: ${provider.status.lastError?.message ?? 'the token expired'}`));
provider.on('recovered', () => console.log('Ready again'));

const app = express();
app.get('/livez', (_request, response) => {
  response.send('ok');
});
app.get('/readyz', (_request, response) => {
  // A plain object without secrets.
  const { status } = provider;
  response.status(status.state === 'ready' ? 200 : 503).json(status);
});

const server = app.listen(Number(process.env.PORT ?? 8080));
server.once('listening', () => console.log(`Listening on port ${(server.address() as AddressInfo).port}`));
process.once('SIGTERM', () => server.close());
