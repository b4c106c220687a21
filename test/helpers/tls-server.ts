import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';

/** An HTTPS server on loopback that can change its certificate while it runs. It answers `{}` unless told otherwise. */
export class TlsServer {
  /** Paths of all requests, in the order of their arrival. */
  readonly requests: string[] = [];
  /** How many connections were made, also those whose handshake failed. */
  connections = 0;
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  private constructor(options: TlsOptions, answer: (path: string) => string | undefined) {
    this.#server = createServer(options, (request, response) => {
      request.resume().once('end', () => {
        this.requests.push(request.url!);
        response.writeHead(200, { 'Content-Type': 'application/json' }).end(answer(request.url!) ?? '{}');
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
    {
      answer = () => undefined,
      host = '127.0.0.1',
    }: { answer?: (path: string) => string | undefined; host?: string } = {},
  ): Promise<TlsServer> {
    const server = new TlsServer(options, answer);
    await new Promise<void>((resolve, reject) => server.#server.once('error', reject).listen(0, host, resolve));
    return server;
  }

  get origin(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `https://${address}:${port}`;
  }

  /** Uses another certificate from now on; ends the connections that were made with the last one, as a restart does. */
  changeCertificate(options: { readonly key: string; readonly cert: string }): void {
    this.#server.setSecureContext(options);
    for (const socket of this.#open) socket.destroy();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#open) socket.destroy();
    await closed;
  }
}
