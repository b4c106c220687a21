import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

/** A forward proxy on loopback that leads every tunnel to one server, whatever host is asked for. */
export class ProxyServer {
  /** Hosts of all tunnels, in the order in which they were asked for. */
  readonly tunnels: string[] = [];
  /** All that clients sent, in the clear as far as the proxy sees it. */
  received = '';
  /** How many connections were made. */
  connections = 0;
  /** What is answered to CONNECT instead of a tunnel: a status, nothing but the end of the connection, or nothing at all. */
  refusal: number | 'close' | 'silence' | undefined;
  readonly #open = new Set<Socket>();
  readonly #server: Server;

  private constructor(target: URL) {
    this.#server = createServer((_request, response) => response.writeHead(500).end('not a tunnel'));
    this.#server.on('connection', (socket: Socket) => {
      this.connections++;
      this.#keep(socket);
      socket.on('data', (chunk) => {
        this.received += chunk.toString('latin1');
      });
    });
    this.#server.on('connect', (request, socket: Socket) => {
      this.tunnels.push(request.url!);
      if (this.refusal === 'close') return void socket.destroy();
      if (this.refusal === 'silence') return void socket.resume().once('end', () => socket.end());
      if (this.refusal !== undefined) return void socket.end(`HTTP/1.1 ${this.refusal} No\r\n\r\n`);
      const upstream = connect(Number(target.port), target.hostname, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.pipe(upstream).pipe(socket);
      });
      this.#keep(upstream);
      socket.once('close', () => upstream.destroy());
      upstream.once('close', () => socket.destroy());
    });
  }

  static async start(target: string): Promise<ProxyServer> {
    const server = new ProxyServer(new URL(target));
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How many connections are open, on both sides. */
  get openConnections(): number {
    return this.#open.size;
  }

  /** Ends all connections, as a proxy does with those that were idle for long. */
  drop(): void {
    for (const socket of this.#open) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#open) socket.destroy();
    await closed;
  }

  #keep(socket: Socket): void {
    this.#open.add(socket.on('error', () => {}).once('close', () => this.#open.delete(socket)));
  }
}
