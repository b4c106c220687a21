/**
 * Probes of an Express service that needs its token.
 *
 * Readiness: report ready while the token is usable. It is not before the first token has come, nor after `expired` until the
 * next one. Liveness: do not depend on the token; restarting the pod does not fix a missing or expired token, for it is the
 * kubelet that writes the volume.
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
  // Listen at once, with a token or without: a probe that gets no answer has the kubelet restart the pod.
  waitForToken: false,
});
const notReady = (otherwise: string) => console.error(`Not ready: ${provider.status.lastError?.message ?? otherwise}`);
if (provider.current === undefined) notReady('there is no token yet');
provider.on('expired', () => notReady('the token expired'));
provider.on('recovered', () => console.log('Ready: there is a usable token'));

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
