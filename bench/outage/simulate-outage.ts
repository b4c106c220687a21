import { TokenExchangeError } from '../../src/errors.js';
import { ExchangedToken } from '../../src/exchange/exchanged-token.js';
import type { Grant } from '../../src/exchange/grant.js';
import { seededRandom } from '../simulation/random.js';
import { VirtualClock } from '../simulation/virtual-clock.js';

export interface OutageOptions {
  readonly pods: number;
  readonly leaseSeconds: number;
  readonly outageSeconds: number;
  /** `projected-token`: the library's own keeper of an exchanged token; `fixed`: another attempt one second after a failure. */
  readonly policy: 'projected-token' | 'fixed 1 s retry';
  readonly seed: number;
}

export interface OutageOutcome {
  /** Pods whose renewal or login fell into the outage. */
  readonly affected: number;
  /** Most logins in one second, after the end of the outage. */
  readonly peakLoginsPerSecond: number;
  /** Most attempts in one second, during the outage. */
  readonly peakAttemptsPerSecond: number;
  /** From the end of the outage until the last affected pod has had its login. */
  readonly recoverySeconds: number;
  /** Times that a pod was refused a token, by its own keeper, that had not expired. */
  readonly refusedThoughValid: number;
}

/** A pod: its keeper of a Vault token, or what stands for one. */
interface Pod {
  getToken(): Promise<string>;
}

const START_MS = Date.UTC(2026, 0, 1);
const LOOK_EVERY_SECONDS = 10;

/** Made once: a stack trace for each of millions of attempts would take half of the time. */
const UNREACHABLE = new TokenExchangeError('ERR_EXCHANGE_UNAVAILABLE', 'Vault is down.');

/** Many pods lose their Vault together, and get it back, on a clock of their own. */
export async function simulateOutage(options: OutageOptions): Promise<OutageOutcome> {
  const { pods: count, leaseSeconds, outageSeconds, policy, seed } = options;
  const outageStartMs = START_MS + leaseSeconds * 1000;
  const outageEndMs = outageStartMs + outageSeconds * 1000;
  const endMs = outageEndMs + 2 * outageSeconds * 1000 + 60_000;
  const random = seededRandom(seed);
  const clock = new VirtualClock(START_MS);
  const platformRandom = Math.random;
  clock.install();
  Math.random = random;
  try {
    const vault = new SimulatedVault(outageStartMs, outageEndMs, leaseSeconds);
    const pods: Pod[] = [];
    for (let index = 0; index < count; index++) {
      // Pods start at any time before: their renewals fall on any.
      setTimeout(
        () => {
          const obtain = () => vault.logIn(index);
          const pod = policy === 'projected-token' ? keptByLibrary(obtain) : keptByFixedRetry(obtain);
          pods[index] = pod;
          void pod.getToken();
        },
        random() * leaseSeconds * 999,
      );
    }
    let refusedThoughValid = 0;
    for (let nowMs = START_MS; nowMs <= endMs; nowMs += LOOK_EVERY_SECONDS * 1000) {
      await clock.advanceTo(nowMs);
      if (nowMs < outageStartMs) continue;
      for (const [index, pod] of pods.entries()) {
        const isValid = vault.expiryOf(index) > nowMs;
        await pod.getToken().catch(() => {
          if (isValid) refusedThoughValid++;
        });
      }
    }
    return { ...vault.outcome(), refusedThoughValid };
  } finally {
    Math.random = platformRandom;
    clock.uninstall();
  }
}

class SimulatedVault {
  readonly #affected = new Map<number, number | undefined>();
  readonly #attempts = new Map<number, number>();
  readonly #logins = new Map<number, number>();
  readonly #expiresAtMs = new Map<number, number>();

  constructor(
    private readonly outageStartMs: number,
    private readonly outageEndMs: number,
    private readonly leaseSeconds: number,
  ) {}

  async logIn(pod: number): Promise<Grant> {
    const nowMs = Date.now();
    if (nowMs >= this.outageStartMs && nowMs < this.outageEndMs) {
      increment(this.#attempts, nowMs);
      this.#affected.set(pod, undefined);
      throw UNREACHABLE;
    }
    if (nowMs >= this.outageEndMs) {
      increment(this.#logins, nowMs);
      if (this.#affected.has(pod)) this.#affected.set(pod, this.#affected.get(pod) ?? nowMs);
    }
    const expiresAtMs = nowMs + this.leaseSeconds * 1000;
    this.#expiresAtMs.set(pod, expiresAtMs);
    // As the lease of a Vault token: src/vault/vault-lease.ts.
    const refreshAtMs = nowMs + this.leaseSeconds * 1000 * (2 / 3 + (Math.random() - 0.5) * 0.1);
    return { token: `token-of-${pod}`, obtainedAtMs: nowMs, expiresAtMs, refreshAtMs };
  }

  /** Until when the pod's last token is good. */
  expiryOf(pod: number): number {
    return this.#expiresAtMs.get(pod) ?? Number.NEGATIVE_INFINITY;
  }

  outcome(): Omit<OutageOutcome, 'refusedThoughValid'> {
    const recovered = [...this.#affected.values()].map((atMs) => atMs ?? Number.POSITIVE_INFINITY);
    return {
      affected: this.#affected.size,
      peakLoginsPerSecond: Math.max(0, ...this.#logins.values()),
      peakAttemptsPerSecond: Math.max(0, ...this.#attempts.values()),
      recoverySeconds:
        (recovered.reduce((last, atMs) => Math.max(last, atMs), this.outageEndMs) - this.outageEndMs) / 1000,
    };
  }
}

function keptByLibrary(obtain: () => Promise<Grant>): Pod {
  return new ExchangedToken<Grant>({ obtain, onGrant() {}, onFailure() {}, onExpired() {} }, 30_000);
}

/** What most programs do: the token until its renewal fails, then another attempt a second later, for as long as it takes. */
function keptByFixedRetry(obtain: () => Promise<Grant>): Pod {
  let grant: Grant | undefined;
  const attempt = async (): Promise<void> => {
    try {
      grant = await obtain();
      setTimeout(attempt, grant.refreshAtMs - Date.now());
    } catch {
      setTimeout(attempt, 1000);
    }
  };
  let first: Promise<void> | undefined;
  return {
    async getToken() {
      first ??= attempt();
      await first;
      if (grant === undefined || Date.now() >= grant.expiresAtMs) throw new Error('There is no token.');
      return grant.token;
    },
  };
}

function increment(counts: Map<number, number>, nowMs: number): void {
  const second = Math.floor(nowMs / 1000);
  counts.set(second, (counts.get(second) ?? 0) + 1);
}
