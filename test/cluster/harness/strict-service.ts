import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A service that accepts the token that is in a file now, and no other: it rejects the old one from the instant of the swap. */
export interface StrictService extends AsyncDisposable {
  readonly url: string;
  /** How many requests it answered with 401. */
  readonly rejected: () => number;
}

export async function startStrictService(tokenFile: string): Promise<StrictService> {
  let rejected = 0;
  const server = createServer((incoming, response) => {
    const isCurrent = incoming.headers.authorization === `Bearer ${readFileSync(tokenFile, 'utf8')}`;
    if (!isCurrent) rejected++;
    response.writeHead(isCurrent ? 200 : 401).end();
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/orders`,
    rejected: () => rejected,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
