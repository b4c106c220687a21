import type { Socket } from 'node:net';
import { RawServer } from './raw-server.js';

/** What a server, or what stands in its place, does with a request: answer, a status instead, or one of the ways not to answer. */
export type ServerMood =
  | 'well'
  | 'resetting'
  | 'half'
  | 'garbage'
  | 'stalled'
  | 'silent'
  | 'other protocol'
  | 403
  | 429
  | 500
  | 503;

/** All moods, the good one more often. */
export const SERVER_MOODS: readonly ServerMood[] = [
  ...(['well', 'well', 'well', 'resetting', 'half', 'garbage', 'stalled', 'silent', 'other protocol'] as const),
  ...([403, 429, 500, 503] as const),
];

/** A server on loopback with every way not to answer. */
export class FaultyServer {
  mood: ServerMood = 'well';
  /** Requests that were not answered, by connection. */
  readonly #held = new Map<Socket, () => void>();
  #server!: RawServer;

  /** @param receive - called with a request when it arrives; returns what makes the answer, when there is to be one */
  static async start(receive: (request: string) => () => string): Promise<FaultyServer> {
    const server = new FaultyServer();
    server.#server = await RawServer.start((socket, request) => {
      const makeAnswer = receive(request);
      server.#act(socket, () => {
        if (!socket.destroyed) socket.write(makeAnswer());
      });
    });
    return server;
  }

  get origin(): string {
    return this.#server.origin;
  }

  /** How many requests wait for an answer. */
  get held(): number {
    for (const socket of this.#held.keys()) if (socket.destroyed) this.#held.delete(socket);
    return this.#held.size;
  }

  get openConnections(): number {
    return this.#server.openConnections;
  }

  /** Answers what was asked and has waited since. */
  answerLate(): void {
    const answers = [...this.#held.values()];
    this.#held.clear();
    for (const answer of answers) answer();
  }

  /** Ends all connections. */
  disconnect(): void {
    this.#server.disconnect();
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  #act(socket: Socket, answer: () => void): void {
    switch (this.mood) {
      case 'well':
        answer();
        break;
      case 'silent':
        this.#held.set(socket, answer);
        break;
      case 'stalled':
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"auth":');
        this.#held.set(socket, () => socket.destroy());
        break;
      case 'resetting':
        socket.resetAndDestroy();
        break;
      case 'half':
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"auth":');
        break;
      case 'garbage':
        socket.end('SSH-2.0-OpenSSH_9.6\r\n');
        break;
      case 'other protocol':
        socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n');
        break;
      default:
        socket.write(statusAnswer(this.mood, ['out of order']));
    }
  }
}

/** An answer with an error, as Vault words it. */
export function statusAnswer(status: number, errors: readonly string[]): string {
  const body = JSON.stringify({ errors });
  return `HTTP/1.1 ${status} Status\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
