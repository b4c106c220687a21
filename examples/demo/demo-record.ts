import type { BoundToken } from 'projected-token';
import type { Swap } from './world.js';

/** One token, from its issue to its end. Times in milliseconds since the epoch. */
export interface TokenLife {
  readonly fingerprint: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** When the next token took its place. */
  replacedAtMs?: number;
}

/** What became of the requests of one client. */
export interface ClientRecord {
  readonly name: string;
  /** Requests of the program, each counted once, when it ended. */
  requests: number;
  /** Answers on the wire that refuse the token: 401, of Vault 403. */
  refused: number;
  /** Answers on the wire, of any status. */
  answers: number;
  /** Requests that ended otherwise than with a status of success. */
  failed: number;
  /** Why the first of them failed. */
  firstFailure?: string;
}

/** What happened at the embedded Vault. */
export interface VaultRecord {
  logins: number;
  renewals: number;
  /** Times that it revoked all its tokens. */
  revocations: number;
  restarts: number;
  /** Attempts at a request that found it down. */
  unreachable: number;
}

/** Times from the swap of the volume to the new token in hand, in milliseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** All that the demo has seen; what it shows is computed from this. */
export class DemoRecord {
  startedAtMs = Date.now();
  /** Oldest first. */
  readonly tokens: TokenLife[] = [];
  readonly clients: ClientRecord[] = [];
  /** One a rotation, oldest first. */
  readonly swapToFreshMs: number[] = [];
  rotations = 0;
  readonly vault: VaultRecord = { logins: 0, renewals: 0, revocations: 0, restarts: 0, unreachable: 0 };
  /** What else the provider had to tell, the last of it. */
  notice: string | undefined;
  readonly #swappedAtMs = new Map<string, number>();
  readonly #freshAtMs = new Map<string, number>();

  /** The clients start now. */
  begin(): void {
    this.startedAtMs = Date.now();
  }

  notify(notice: string): void {
    this.notice = notice;
  }

  addClient(name: string): ClientRecord {
    const client: ClientRecord = { name, requests: 0, refused: 0, answers: 0, failed: 0 };
    this.clients.push(client);
    return client;
  }

  /** The kubelet wrote a token. */
  swapped(swap: Swap): void {
    this.#addToken(swap);
    this.#swappedAtMs.set(swap.fingerprint, swap.swappedAtMs);
    this.#measure(swap.fingerprint);
  }

  /** The provider has a new token in hand. Told before or after {@link swapped}: two processes, two queues. */
  rotated(token: BoundToken): void {
    this.rotations++;
    this.#freshAtMs.set(token.fingerprint, Number(process.hrtime.bigint()) / 1e6);
    this.#measure(token.fingerprint);
  }

  /** A token whose swap nobody tells: a real kubelet's. */
  seen(token: BoundToken): void {
    const issuedAtMs = (token.issuedAt ?? token.notBefore)?.getTime() ?? Date.now();
    this.#addToken({ fingerprint: token.fingerprint, issuedAtMs, expiresAtMs: token.expiresAt!.getTime() });
  }

  total(figure: 'requests' | 'refused' | 'answers' | 'failed'): number {
    return this.clients.reduce((sum, client) => sum + client[figure], 0);
  }

  /** Undefined when no rotation was measured. */
  percentiles(): Percentiles | undefined {
    if (this.swapToFreshMs.length === 0) return undefined;
    const sorted = [...this.swapToFreshMs].sort((a, b) => a - b);
    // Nearest rank.
    const at = (share: number) => round(sorted[Math.ceil(share * sorted.length) - 1]!);
    return { p50: at(0.5), p99: at(0.99), max: at(1) };
  }

  #addToken(token: Omit<TokenLife, 'replacedAtMs'>): void {
    const previous = this.tokens.at(-1);
    if (previous !== undefined) previous.replacedAtMs = Date.now();
    this.tokens.push({ fingerprint: token.fingerprint, issuedAtMs: token.issuedAtMs, expiresAtMs: token.expiresAtMs });
  }

  #measure(fingerprint: string): void {
    const [swappedAt, freshAt] = [this.#swappedAtMs.get(fingerprint), this.#freshAtMs.get(fingerprint)];
    if (swappedAt !== undefined && freshAt !== undefined) this.swapToFreshMs.push(freshAt - swappedAt);
  }
}

/** Requests that were sent a second time. Exact once none is under way. */
export function retried({ answers, requests }: Pick<ClientRecord, 'answers' | 'requests'>): number {
  return Math.max(0, answers - requests);
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
