import type { ProjectedTokenError } from 'projected-token';
import type { ExchangeSteps, Verdict } from '../../src/exchange/exchanged-token.js';
import type { Grant } from '../../src/exchange/grant.js';

/** The other side of an exchange, and the one who is told: it grants, refuses or keeps waiting as the test says. */
export class ExchangeSide implements ExchangeSteps<Grant> {
  /** What each attempt was to follow. */
  readonly asked: (Grant | undefined)[] = [];
  /** When each attempt came, in milliseconds since the epoch. */
  readonly askedAtMs: number[] = [];
  /** What was told, in order: the token of a grant, the message of a failure, `expired`. */
  readonly told: string[] = [];
  /** The signal of the last attempt. */
  signal: AbortSignal | undefined;
  lifeSeconds = 60;
  refreshSeconds = 40;
  /** While set, attempts fail with it. */
  failure: Error | undefined;
  /** While set, attempts wait for it first. */
  gate: Promise<void> | undefined;
  /** Whether a grant that follows another has the same token, as after a renewal. */
  isRenewing = false;
  /** What it says of a token that a server rejected. */
  verdict: Verdict = 'unknown';
  /** How often it was asked for that. */
  looks = 0;
  /** Called when the other side has answered, before its answer arrives. */
  afterObtain = () => {};
  /** Called when a grant has come into use. */
  afterGrant = () => {};

  get attempts(): number {
    return this.asked.length;
  }

  /** Times between the attempts, in seconds. */
  get pauses(): number[] {
    return this.askedAtMs.slice(1).map((atMs, index) => (atMs - this.askedAtMs[index]!) / 1000);
  }

  /** Attempts wait from now on, until what this gives back is called. */
  hold(): () => void {
    let release = () => {};
    this.gate = new Promise((resolve) => {
      release = () => {
        this.gate = undefined;
        resolve();
      };
    });
    return release;
  }

  async obtain(inUse: Grant | undefined, signal: AbortSignal): Promise<Grant> {
    const obtainedAtMs = Date.now();
    this.signal = signal;
    this.askedAtMs.push(obtainedAtMs);
    const number = this.asked.push(inUse);
    await this.gate;
    if (this.failure !== undefined) throw this.failure;
    this.afterObtain();
    return {
      token: this.isRenewing && inUse !== undefined ? inUse.token : `token-${number}`,
      obtainedAtMs,
      expiresAtMs: obtainedAtMs + this.lifeSeconds * 1000,
      refreshAtMs: obtainedAtMs + this.refreshSeconds * 1000,
    };
  }

  async verdictOn(): Promise<Verdict> {
    this.looks++;
    return this.verdict;
  }

  onGrant({ token }: Grant): void {
    this.told.push(token);
    this.afterGrant();
  }

  onFailure({ message }: ProjectedTokenError): void {
    this.told.push(message);
  }

  onExpired(): void {
    this.told.push('expired');
  }
}
