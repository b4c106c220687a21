/**
 * Logs what happens to the token with pino, one line an event. Exchanges and verifiers of the program are logged as well, wherever it
 * opens them: their diagnostics channels say what happens to them.
 *
 * Run: npx tsx examples/logging-pino.ts
 * Environment: TOKEN_PATH (default /var/run/secrets/tokens), TOKEN_AUDIENCE, PORT (default 8080)
 */
import { subscribe } from 'node:diagnostics_channel';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { ProjectedTokenProvider } from 'projected-token';
import type { ExchangeDiagnosticsMessage } from 'projected-token/vault';

const log = pino();

// A token in a log line becomes its fingerprint, audiences and times: never the token itself.
const provider = new ProjectedTokenProvider({ path: process.env.TOKEN_PATH, audience: process.env.TOKEN_AUDIENCE });
provider.on('rotated', ({ current }) => log.info({ token: current }, 'token rotated'));
provider.on('rejected', ({ error }) => log.warn({ err: error }, 'token file rejected'));
provider.on('overdue', ({ current }) => log.warn({ token: current }, 'token rotation overdue'));
provider.on('expired', ({ previous }) => log.error({ token: previous }, 'token expired'));
provider.on('recovered', ({ current }) => log.info({ token: current }, 'there is a token again'));
provider.on('error', (error) => log.error({ err: error }, 'token provider'));

subscribe('projected-token:exchange:failed', (message) => {
  const { exchange, error } = message as ExchangeDiagnosticsMessage;
  log.warn({ exchange, err: error }, 'login failed');
});

await provider.start();
log.info({ token: provider.current }, 'token ready');

const server = createServer((_request, response) => response.end());
server.listen(Number(process.env.PORT ?? 8080), () => {
  console.log(`Listening on port ${(server.address() as AddressInfo).port}`);
});
process.once('SIGTERM', async () => {
  server.close();
  await provider.close();
});
