import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** One request to a {@link LoopbackServer}, its body read to the end. */
export interface LoopbackRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What a {@link LoopbackServer} answers. */
export interface LoopbackResponse {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** An HTTP or HTTPS server on 127.0.0.1. */
export class LoopbackServer {
  readonly #server: Server;
  /** Where it listens, without a slash at the end. */
  readonly origin: string;

  private constructor(server: Server, scheme: 'http' | 'https') {
    this.#server = server;
    this.origin = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /**
   * Listens, and answers every request with what `handle` resolves with, or with 500 when it rejects.
   *
   * @param port - 0 for one that the system chooses
   */
  static async start(
    handle: (request: LoopbackRequest) => Promise<LoopbackResponse>,
    tls?: { readonly key: string; readonly cert: string },
    port = 0,
  ): Promise<LoopbackServer> {
    const server = tls === undefined ? createServer() : createTlsServer({ key: tls.key, cert: tls.cert });
    server.on('request', async (message, response) => {
      let answer: LoopbackResponse;
      try {
        answer = await handle(await readRequest(message));
      } catch {
        answer = { status: 500 };
      }
      response.writeHead(answer.status, answer.headers).end(answer.body);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', resolve);
    });
    return new LoopbackServer(server, tls === undefined ? 'http' : 'https');
  }

  /** Stops listening and ends the connections that clients keep open. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}

async function readRequest(message: IncomingMessage): Promise<LoopbackRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return {
    method: message.method ?? 'GET',
    url: new URL(message.url ?? '/', 'http://127.0.0.1'),
    headers: message.headers,
    body: Buffer.concat(chunks).toString(),
  };
}
