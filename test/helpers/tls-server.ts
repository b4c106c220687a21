import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';

/** What a {@link TlsServer} does with a request. */
export interface TlsServerBehaviour {
  /** The body for a path. @default '{}' */
  readonly answer?: (path: string) => string | undefined;
  /** Is awaited before each answer. */
  readonly delay?: () => Promise<void>;
}

/** An HTTPS server on loopback that can change its certificate while it runs.  */
export class TlsServer {
  /** Paths of all requests, in the order of their arrival. */
  readonly requests: string[] = [];
  /** How many connections were made, also those whose handshake failed. */
  connections = 0;
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  private constructor(options: TlsOptions, { answer, delay }: TlsServerBehaviour) {
    this.#server = createServer(options, (request, response) => {
      request.resume().once('end', async () => {
        this.requests.push(request.url!);
        await delay?.();
        response.writeHead(200, { 'Content-Type': 'application/json' }).end(answer?.(request.url!) ?? '{}');
      });
    });
    this.#server.on('connection', (socket: Socket) => {
      this.connections++;
      this.#open.add(socket.once('close', () => this.#open.delete(socket)));
    });
    // Clients that do not trust it break off.
    this.#server.on('tlsClientError', () => {});
  }

  /** @param host - of 127.0.0.0/8 */
  static async start(
    options: TlsOptions,
    { host = '127.0.0.1', ...behaviour }: TlsServerBehaviour & { host?: string | undefined } = {},
  ): Promise<TlsServer> {
    const server = new TlsServer(options, behaviour);
    await new Promise<void>((resolve, reject) => server.#server.once('error', reject).listen(0, host, resolve));
    return server;
  }

  get origin(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `https://${address}:${port}`;
  }

  /** Uses another certificate for new connections, and ends the others, as a restart does, unless it is `isGraceful`. */
  changeCertificate(options: { readonly key: string; readonly cert: string }, { isGraceful = false } = {}): void {
    this.#server.setSecureContext(options);
    if (!isGraceful) for (const socket of this.#open) socket.destroy();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#open) socket.destroy();
    await closed;
  }
}
