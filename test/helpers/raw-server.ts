import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

type Answer = (socket: Socket, request: string) => void;

/** A server on loopback that does with each request what the test says, byte by byte: for answers that no HTTP server gives. */
export class RawServer {
  /** All requests, in the order of their arrival. */
  readonly requests: string[] = [];
  /** How many connections were made. */
  connections = 0;
  readonly #open = new Set<Socket>();
  readonly #server: Server;

  private constructor(answer: Answer) {
    this.#server = createServer((socket) => {
      this.connections++;
      this.#open.add(socket);
      socket.once('close', () => this.#open.delete(socket));
      // A client may go away whenever it likes.
      socket.on('error', () => {});
      let received = '';
      socket.setEncoding('latin1').on('data', (text: string) => {
        received += text;
        if (!isWhole(received)) return;
        const request = received;
        received = '';
        this.requests.push(request);
        answer(socket, request);
      });
    });
  }

  /** @param port - 0 for one that the system chooses */
  static async start(answer: Answer, port = 0): Promise<RawServer> {
    const server = new RawServer(answer);
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', reject).listen(port, '127.0.0.1', resolve);
    });
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How many connections are open. */
  get openConnections(): number {
    return this.#open.size;
  }

  /** Ends all connections. */
  disconnect(): void {
    for (const socket of this.#open) socket.destroy();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.disconnect();
    await closed;
  }
}

function isWhole(request: string): boolean {
  const end = request.indexOf('\r\n\r\n');
  const length = Number(/^content-length: (\d+)/im.exec(request)?.[1] ?? 0);
  return end >= 0 && request.length >= end + 4 + length;
}

/** An answer of status 200 that leaves the connection open. */
export function ok(body: string, headers = ''): string {
  return `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;
}
