/**
 * Prometheus metrics of a token, at `/metrics`. The alert rules and the dashboard in examples/observability go with them.
 *
 * Run: npx tsx examples/metrics.ts
 * Environment: TOKEN_PATH (default /var/run/secrets/tokens), TOKEN_AUDIENCE, PORT (default 9464)
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ProjectedTokenProvider } from 'projected-token';
import { observeWithPrometheus } from 'projected-token/metrics';
import * as client from 'prom-client';

const provider = await ProjectedTokenProvider.open({
  path: process.env.TOKEN_PATH,
  audience: process.env.TOKEN_AUDIENCE,
});
observeWithPrometheus(provider, { client });

const server = createServer(async (request, response) => {
  if (request.url !== '/metrics') return void response.writeHead(404).end();
  const text = await client.register.metrics();
  response.setHeader('Content-Type', client.register.contentType).end(text);
});

server.listen(Number(process.env.PORT ?? 9464), () => {
  console.log(`Listening on port ${(server.address() as AddressInfo).port}`);
});
process.once('SIGTERM', () => server.close());
