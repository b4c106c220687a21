import { afterEach } from 'vitest';
import type { ConnectionOptions } from '../../src/internal/connection-options.js';
import { type HttpAnswer, HttpClient, type HttpRequest } from '../../src/internal/http-client.js';
import { RawServer } from './raw-server.js';

const closers: (() => unknown)[] = [];

/** Closes something after the test, the last first. */
export function closeAfterTest(close: () => unknown): void {
  closers.push(close);
}

/** To be called by each test file that uses this scene. */
export function closeAllAfterEach(): void {
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
}

/** A server for this test that does with each request what the test says. */
export async function serve(answer: Parameters<typeof RawServer.start>[0]): Promise<RawServer> {
  const server = await RawServer.start(answer);
  closeAfterTest(() => server.close());
  return server;
}

/** What sends requests to an origin, and the client that does. */
export interface Connected {
  readonly client: HttpClient;
  send(origin: string, request?: Partial<HttpRequest>): Promise<HttpAnswer>;
}

/** A client for this test. */
export function connect(options: ConnectionOptions & { timeoutMs?: number } = {}): Connected {
  const client = new HttpClient({ timeoutMs: 20_000, ...options });
  closeAfterTest(() => client.close());
  return { client, send: (origin, request) => client.send({ method: 'GET', url: new URL(origin), ...request }) };
}
