import type { Socket } from 'node:net';
import { ok, RawServer } from './raw-server.js';

/** What a Vault, or what stands in its place, does with a request. */
export type VaultMood =
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

/** What it says of a token that somebody asks about. */
export type LookupAnswer = 'good' | 'policy' | 'revoked' | 'cannot tell';

/** Until when a token works by the last answer about it, on each of the two clocks. */
interface IssuedToken {
  readonly endsAtMs: number;
  readonly endsAtMonotonicMs: number;
}

/** Just enough of Vault to log in, renew, look up and revoke, on a real socket, with every way not to answer. */
export class FaultyVault {
  mood: VaultMood = 'well';
  lookup: LookupAnswer = 'good';
  leaseSeconds = 60;
  isRenewable = true;
  readonly #tokens = new Map<string, IssuedToken>();
  /** Requests that were not answered, by connection. */
  readonly #held = new Map<Socket, () => void>();
  #server!: RawServer;
  #logins = 0;

  static async start(): Promise<FaultyVault> {
    const vault = new FaultyVault();
    vault.#server = await RawServer.start((socket, request) => vault.#receive(socket, request));
    return vault;
  }

  get address(): string {
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

  /** As at the start, for the next sequence. */
  reset(): void {
    Object.assign(this, { mood: 'well', lookup: 'good', leaseSeconds: 60, isRenewable: true });
    this.#tokens.clear();
  }

  /** Answers what was asked and has waited since; the lease counts from the question. */
  answerLate(): void {
    const answers = [...this.#held.values()];
    this.#held.clear();
    for (const answer of answers) answer();
  }

  isGood(token: string): boolean {
    const issued = this.#tokens.get(token);
    return issued !== undefined && Date.now() < issued.endsAtMs && performance.now() < issued.endsAtMonotonicMs;
  }

  /** Milliseconds that a token has to live. */
  leftMs(token: string): number {
    return (this.#tokens.get(token)?.endsAtMonotonicMs ?? Number.NEGATIVE_INFINITY) - performance.now();
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  #receive(socket: Socket, request: string): void {
    const askedAtMs = Date.now();
    const askedAtMonotonicMs = performance.now();
    const answer = () => this.#answer(socket, request, { askedAtMs, askedAtMonotonicMs });
    switch (this.mood) {
      case 'well':
        answer();
        return;
      case 'silent':
        return void this.#held.set(socket, answer);
      case 'stalled':
        socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"auth":');
        return void this.#held.set(socket, () => socket.destroy());
      case 'resetting':
        return void socket.resetAndDestroy();
      case 'half':
        return void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"auth":');
      case 'garbage':
        return void socket.end('SSH-2.0-OpenSSH_9.6\r\n');
      case 'other protocol':
        return void socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n');
      default:
        return void socket.write(status(this.mood, ['out of order']));
    }
  }

  #answer(socket: Socket, request: string, { askedAtMs, askedAtMonotonicMs }: Record<string, number>): void {
    if (socket.destroyed) return;
    const path = request.split(' ', 2)[1]!.split('/').at(-1);
    const token = /^x-vault-token: (.*)\r$/im.exec(request)?.[1] ?? '';
    const grant = (clientToken: string) => {
      const lifeMs = this.leaseSeconds * 1000;
      this.#tokens.set(clientToken, { endsAtMs: askedAtMs! + lifeMs, endsAtMonotonicMs: askedAtMonotonicMs! + lifeMs });
      const auth = { client_token: clientToken, lease_duration: this.leaseSeconds, renewable: this.isRenewable };
      socket.write(ok(JSON.stringify({ auth })));
    };
    if (path === 'login') grant(`hvs.${++this.#logins}`);
    else if (path === 'renew-self' && this.isGood(token)) grant(token);
    else if (path === 'renew-self') deny(socket, 'revoked');
    else if (this.lookup === 'good') socket.write(ok('{"data":{}}'));
    else deny(socket, this.lookup);
  }
}

function deny(socket: Socket, why: LookupAnswer): void {
  const errors = { policy: ['1 error occurred:\n\t* permission denied\n\n'], revoked: ['permission denied'] };
  socket.write(status(403, errors[why as keyof typeof errors] ?? []));
}

function status(code: number, errors: readonly string[]): string {
  const body = JSON.stringify({ errors });
  return `HTTP/1.1 ${code} Status\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
