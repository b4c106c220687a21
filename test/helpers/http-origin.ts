import { createHash } from 'node:crypto';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it arrived. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** SHA-256 of the body; of a multipart body without its boundary, which is another one each time. */
  readonly bodyHash: string;
  readonly body: Buffer;
}

/** What is answered: a response, a connection that breaks in the middle of a response, or nothing at all. */
export type Answer =
  | { readonly status?: number; readonly headers?: Record<string, string>; readonly body?: string | Buffer }
  | 'break'
  | 'hang';

type Handler = (request: SeenRequest) => Answer | Promise<Answer>;

/** An HTTP server on loopback that keeps what it was sent; each is an origin of its own. */
export class HttpOrigin {
  /** All requests, in the order of their arrival. */
  readonly requests: SeenRequest[] = [];
  readonly #server: Server;
  readonly #handlers = new Map<string, Handler>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param port - 0 for one that the system chooses */
  static async start(port = 0): Promise<HttpOrigin> {
    const server = createServer();
    const origin = new HttpOrigin(server);
    server.on('request', (message, response) => void origin.#serve(message, response));
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
    return origin;
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The same server by another name, which makes it another origin. */
  get localhostOrigin(): string {
    return `http://localhost:${this.#port}`;
  }

  /** Answers a path; without this every path answers 200. */
  on(path: string, handler: Handler | Answer): string {
    this.#handlers.set(path, typeof handler === 'function' ? handler : () => handler);
    return this.origin + path;
  }

  /** Values of a header in all requests to a path. */
  seen(path: string, header: string): (string | undefined)[] {
    return this.requests
      .filter((request) => request.path === path)
      .map((request) => request.headers[header.toLowerCase()] as string | undefined);
  }

  async openConnections(): Promise<number> {
    return new Promise((resolve, reject) =>
      this.#server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
    );
  }

  /** Forgets requests and handlers. */
  reset(): void {
    this.requests.length = 0;
    this.#handlers.clear();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of message) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const body = Buffer.concat(chunks);
    const request = {
      method: message.method ?? '',
      path: (message.url ?? '').split('?', 1)[0] ?? '',
      headers: message.headers,
      bodyHash: hashBody(body, message.headers['content-type']),
      body,
    };
    this.requests.push(request);
    const answer = (await this.#handlers.get(request.path)?.(request)) ?? { body: 'ok' };
    if (answer === 'hang') return;
    if (answer === 'break') {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('some of it', () => response.destroy());
      return;
    }
    response.writeHead(answer.status ?? 200, answer.headers).end(answer.body);
  }
}

/** Hash of a body, so that long ones can be compared. */
export function hashBody(body: Uint8Array | string, contentType = ''): string {
  const boundary = /boundary="?([^";]+)/.exec(contentType)?.[1];
  const bytes = Buffer.from(body as Uint8Array);
  const comparable = boundary === undefined ? bytes : bytes.toString('latin1').replaceAll(boundary, 'boundary');
  return createHash('sha256').update(comparable).digest('hex');
}
