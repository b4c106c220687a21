import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { type Failure, monotonicMs, type Verdict } from './failure.js';

/** A refusal: when, and until when the token was good that was refused. */
interface Refusal {
  readonly atMs: number;
  readonly tokenUntilMs: number;
}

/** Tokens that were replaced longer ago than this are not remembered; who sends one had every chance. */
const REMEMBERED = 10_000;

/**
 * A service that takes no token but the newest, from the instant of the swap on. It knows which failure of a request was the
 * client's: the service and the kubelet are one process, so that nothing happens between the two.
 */
export class StrictService {
  /** Requests that were refused first, and taken with another token. */
  rescued = 0;
  #accepted = '';
  readonly #replacedAtMs = new Map<string, number>();
  readonly #refusals = new Map<string, Refusal[]>();
  readonly #broken = new Set<string>();
  readonly #withoutFile: { readonly fromMs: number; untilMs: number }[] = [];
  readonly #server: Server;

  private constructor(private readonly random: () => number) {
    this.#server = createServer((request, response) => void this.#serve(request, response));
    // No idle connection is closed while a client may be about to use it.
    this.#server.keepAliveTimeout = 3_600_000;
  }

  static async start(random: () => number): Promise<StrictService> {
    const service = new StrictService(random);
    await new Promise<void>((resolve) => service.#server.listen(0, '127.0.0.1', resolve));
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** From now on, every other token is refused, those of requests under way as well. */
  acceptOnly(token: string): void {
    this.#replacedAtMs.set(this.#accepted, monotonicMs());
    this.#accepted = token;
    const [oldest] = this.#replacedAtMs.keys();
    if (this.#replacedAtMs.size > REMEMBERED) this.#replacedAtMs.delete(oldest!);
  }

  /** From now on the file holds no token that is accepted. */
  fileIsGone(): void {
    if (this.#withoutFile.at(-1)?.untilMs === Number.POSITIVE_INFINITY) return;
    this.#withoutFile.push({ fromMs: monotonicMs(), untilMs: Number.POSITIVE_INFINITY });
  }

  /** The file holds the accepted token again. */
  fileIsBack(): void {
    const last = this.#withoutFile.at(-1);
    if (last !== undefined) last.untilMs = Math.min(last.untilMs, monotonicMs());
  }

  /** Ends the connections on which nothing is under way. */
  closeIdleConnections(): void {
    this.#server.closeIdleConnections();
  }

  judge({ id, atMs }: Failure): Verdict {
    if (this.#broken.has(id)) return 'network';
    const [first, second] = this.#refusals.get(id) ?? [];
    this.#refusals.delete(id);
    if (first === undefined) return 'fault';
    // Good after the first refusal, so it was read since then, and replaced before it arrived.
    if (second !== undefined && second.tokenUntilMs > first.atMs) return 'overtaken';
    return this.#withoutFile.some(({ fromMs, untilMs }) => fromMs <= atMs && untilMs >= first.atMs)
      ? 'no file'
      : 'fault';
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const id = String(request.headers['x-request-id']);
    const chance = this.random();
    // Slow headers: the token is looked at when they are due.
    if (chance < 0.01) await pause(this.random() * 50);
    const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
    if (token !== this.#accepted) {
      const refusal = { atMs: monotonicMs(), tokenUntilMs: this.#replacedAtMs.get(token) ?? 0 };
      this.#refusals.set(id, [...(this.#refusals.get(id) ?? []), refusal]);
      response.writeHead(401, { 'WWW-Authenticate': 'Bearer error="invalid_token"' }).end();
      return;
    }
    if (this.#refusals.delete(id)) this.rescued++;
    if (chance > 0.999) {
      this.#broken.add(id);
      response.writeHead(200, { 'Content-Length': '1000' });
      response.write('half of it', () => response.destroy());
    } else {
      response.end('all of it');
    }
  }
}
