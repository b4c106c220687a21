import type { ProjectedTokenError } from 'projected-token';
import { expect } from 'vitest';
import { ExchangedToken, type ExchangeSteps, type Verdict } from '../../src/exchange/exchanged-token.js';
import type { Grant } from '../../src/exchange/grant.js';
import { ExchangeSide } from './exchange-side.js';
import { ATTEMPT_TIMEOUT_MS } from './kept-token.js';
import { type Outcome, PendingCalls } from './pending-calls.js';

const HOUR_MS = 3_600_000;

/** A grant, and when it ends on each of the two clocks. */
interface KnownGrant {
  readonly grant: Grant;
  readonly endsAtMs: number;
  readonly endsAtMonotonicMs: number;
  /** Whether the clock was set forward since: what that costs of the life of a token cannot be had back. */
  wasSetForward: boolean;
}

/** What is true of an exchanged token, kept beside it: what was granted, what failed, what each caller got. */
export class ExchangeModel implements ExchangeSteps<Grant> {
  readonly side = new ExchangeSide();
  readonly token = new ExchangedToken<Grant>(this, ATTEMPT_TIMEOUT_MS);
  readonly calls = new PendingCalls();
  /** While set, the other side does not say what it thinks of a token: it throws, or never answers. */
  look: 'answers' | 'throws' | 'hangs' = 'answers';
  isClosed = false;
  /** When the outage began that has not ended, on the monotonic clock. */
  failingSinceMs: number | undefined;
  failure: (ProjectedTokenError & { readonly retryAfterMs?: number }) | undefined;
  readonly #obtained = new Map<string, KnownGrant>();
  readonly #given: KnownGrant[] = [];
  readonly #underWay = new Set<AbortSignal>();
  readonly #unconfirmed: number[] = [];
  #verdict: Verdict = 'unknown';
  #noAttemptBeforeMs = Number.NEGATIVE_INFINITY;

  /** Whether the other side was asked and has not answered in time yet. */
  get isAsking(): boolean {
    return [...this.#underWay].some(({ aborted }) => !aborted);
  }

  async obtain(inUse: Grant | undefined, signal: AbortSignal): Promise<Grant> {
    this.calls.note(() => this.#assertMayAsk(inUse));
    this.#underWay.add(signal);
    const askedAtMs = performance.now();
    try {
      const grant = await this.side.obtain(inUse, signal);
      const endsAtMonotonicMs = askedAtMs + grant.expiresAtMs - grant.obtainedAtMs;
      this.#obtained.set(grant.token, { grant, endsAtMs: grant.expiresAtMs, endsAtMonotonicMs, wasSetForward: false });
      return grant;
    } finally {
      this.#underWay.delete(signal);
    }
  }

  async verdictOn(): Promise<Verdict> {
    if (this.look === 'hangs') return new Promise(() => {});
    if (this.look === 'throws') throw new Error('no verdict');
    this.#verdict = this.side.verdict;
    return this.#verdict;
  }

  onGrant(grant: Grant): void {
    this.#given.push(this.#obtained.get(grant.token)!);
    this.failure = undefined;
    this.failingSinceMs = undefined;
    this.#noAttemptBeforeMs = Number.NEGATIVE_INFINITY;
    this.side.onGrant(grant);
  }

  onFailure(error: ProjectedTokenError): void {
    this.failure = error;
    this.failingSinceMs ??= performance.now();
    this.#noAttemptBeforeMs = performance.now() + this.token.nextAttemptAtMs - Date.now();
  }

  onExpired(): void {
    this.calls.note(() => expect(this.token.grant, 'told of an expiry while a token is in use').toBeUndefined());
  }

  noteClockSet(byMs: number): void {
    if (byMs < 0) return;
    for (const known of this.#given) known.wasSetForward = true;
    // A refresh is due by either clock.
    this.#noAttemptBeforeMs = Number.NEGATIVE_INFINITY;
  }

  /** Follows a call for a token; what it gives must be usable at that moment. */
  follow(name: string, timeLimitMs: number, call: Promise<string | undefined>, other?: string): void {
    const wasClosed = this.isClosed;
    this.calls.follow(name, timeLimitMs, call, ({ value, error }: Outcome<string | undefined>) => {
      if (error !== undefined) {
        expect(error.code, `${name}: a typed error`).toMatch(/^ERR_(?:TOKEN|EXCHANGE)_/);
        return;
      }
      expect(wasClosed, `${name} of a closed one`).toBe(false);
      if (value !== undefined) this.assertUsable(name, value);
      if (other !== undefined) expect(value, `${name}: another token`).not.toBe(other);
    });
  }

  assertUsable(name: string, token: string): void {
    const known = this.#given.findLast(({ grant }) => grant.token === token);
    expect(known, `${name}: a token that was granted`).toBeDefined();
    expect(this.#isUsable(known!), `${name}: ${token} has not expired`).toBe(true);
  }

  /** Throws where what the token says of itself is not true. */
  assertTrue(): void {
    this.calls.assertGood();
    const { state, grant, failure } = this.token;
    const known = this.#given.at(-1);
    expect(failure, 'why the last attempt failed').toBe(this.failure);
    expect(grant !== undefined, 'a grant means ready').toBe(state === 'ready');
    if (this.isClosed) expect(state).toBe('closed');
    else if (known === undefined) expect(state).toBe('opening');
    else if (this.#isUsable(known) && !known.wasSetForward) expect(state).toBe('ready');
    else if (!this.#isUsable(known)) expect(state).toBe('expired');
    if (grant !== undefined) expect(Date.now(), 'the expiry that is shown').toBeLessThan(grant.expiresAtMs);
  }

  #isUsable({ endsAtMs, endsAtMonotonicMs }: KnownGrant): boolean {
    return Date.now() < endsAtMs && performance.now() < endsAtMonotonicMs;
  }

  #assertMayAsk(inUse: Grant | undefined): void {
    const nowMs = performance.now();
    expect(this.isClosed, 'an attempt after closing').toBe(false);
    expect(this.isAsking, 'two attempts at once').toBe(false);
    const isReplacement = inUse === undefined && this.token.grant !== undefined;
    if (!isReplacement) {
      // Dates are whole milliseconds.
      expect(nowMs, 'an attempt before the time that was announced').toBeGreaterThan(this.#noAttemptBeforeMs - 1);
      return;
    }
    if (this.#verdict === 'rejected') return;
    this.#unconfirmed.push(nowMs);
    const inAnHour = this.#unconfirmed.filter((atMs) => atMs > nowMs - HOUR_MS);
    expect(
      inAnHour.length,
      'exchanges in an hour by tokens of which only others say that they are bad',
    ).toBeLessThanOrEqual(12);
  }
}
