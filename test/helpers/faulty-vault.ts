import { FaultyServer, statusAnswer } from './faulty-server.js';
import { ok } from './raw-server.js';

/** What a Vault says of a token that somebody asks about. */
export type LookupAnswer = 'good' | 'policy' | 'revoked' | 'cannot tell';

/** The texts of a 403, by which OpenBao tells a policy from a bad token. */
const DENIALS: Record<Exclude<LookupAnswer, 'good'>, readonly string[]> = {
  policy: ['1 error occurred:\n\t* permission denied\n\n'],
  revoked: ['permission denied'],
  'cannot tell': [],
};

/** Until when a token works by the last answer about it, on each of the two clocks. */
interface IssuedToken {
  readonly endsAtMs: number;
  readonly endsAtMonotonicMs: number;
}

/** Just enough of Vault to log in, renew and look up. */
export class FaultyVault {
  lookup: LookupAnswer = 'good';
  leaseSeconds = 60;
  isRenewable = true;
  server!: FaultyServer;
  readonly #tokens = new Map<string, IssuedToken>();
  #logins = 0;

  static async start(): Promise<FaultyVault> {
    const vault = new FaultyVault();
    vault.server = await FaultyServer.start((request) => vault.#receive(request));
    return vault;
  }

  /** As at the start, for the next sequence. */
  reset(): void {
    Object.assign(this, { lookup: 'good', leaseSeconds: 60, isRenewable: true });
    this.server.mood = 'well';
    this.#tokens.clear();
  }

  isGood(token: string): boolean {
    const issued = this.#tokens.get(token);
    return issued !== undefined && Date.now() < issued.endsAtMs && performance.now() < issued.endsAtMonotonicMs;
  }

  /** Milliseconds that a token has to live. */
  leftMs(token: string): number {
    return (this.#tokens.get(token)?.endsAtMonotonicMs ?? Number.NEGATIVE_INFINITY) - performance.now();
  }

  /** A lease counts from the request, however late the answer. */
  #receive(request: string): () => string {
    const askedAtMs = Date.now();
    const askedAtMonotonicMs = performance.now();
    const path = request.split(' ', 2)[1]!.split('/').at(-1);
    const token = /^x-vault-token: (.*)\r$/im.exec(request)?.[1] ?? '';
    const grant = (clientToken: string) => {
      const lifeMs = this.leaseSeconds * 1000;
      // A renewal shortens no life here: where its answer is lost, nobody could know.
      const { endsAtMs = 0, endsAtMonotonicMs = 0 } = this.#tokens.get(clientToken) ?? {};
      this.#tokens.set(clientToken, {
        endsAtMs: Math.max(endsAtMs, askedAtMs + lifeMs),
        endsAtMonotonicMs: Math.max(endsAtMonotonicMs, askedAtMonotonicMs + lifeMs),
      });
      const auth = { client_token: clientToken, lease_duration: this.leaseSeconds, renewable: this.isRenewable };
      return ok(JSON.stringify({ auth }));
    };
    return () => {
      if (path === 'login') return grant(`hvs.${++this.#logins}`);
      if (path === 'renew-self') return this.isGood(token) ? grant(token) : statusAnswer(403, DENIALS.revoked);
      return this.lookup === 'good' ? ok('{"data":{}}') : statusAnswer(403, DENIALS[this.lookup]);
    };
  }
}
