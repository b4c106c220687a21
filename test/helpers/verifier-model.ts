import nodeCrypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { createTokenVerifier } from 'projected-token/verify';
import { expect, vi } from 'vitest';
import type { FaultyCluster, MadeToken } from './faulty-cluster.js';
import { type Outcome, PendingCalls } from './pending-calls.js';
import { RequestsUnderWay } from './requests-under-way.js';

const TIMEOUT_MS = 5_000;

/**
 * How long a verification may take: it may wait for a fetch of keys that is under way, for the one that follows it and for one after
 * that (two requests each), and by `token-review` for its turn and the review.
 */
export const VERIFY_MS = 8 * TIMEOUT_MS;

const TOLERANCE_MS = 60_000;
/** How long keys are used that cannot be fetched again, and for how long a good review holds. */
const KEYS_USABLE_MS = 3_600_000;
const REVIEW_HOLDS_MS = 10_000;
/** After how long keys are fetched again while they are in use. */
const KEYS_REFRESH_MS = 600_000;
/** After a failed fetch or review the server is left alone for so long. */
const PAUSE_MS = 5_000;

/** What is true of a verifier of two clusters, kept beside it. */
export class VerifierModel {
  readonly calls = new PendingCalls();
  readonly #requests = new RequestsUnderWay(() => {});
  /** Checks of signatures and imports of keys that are under way, which are work of another thread. */
  #crypto = 0;
  readonly #verifier;
  /** Since when each server has answered all that it was asked, on the monotonic clock. */
  readonly #wellSinceMs = new Map<FaultyCluster, number>();
  /** Withdrawn keys of which the verifier should know by now. */
  readonly #knownAsWithdrawn = new Set<MadeToken['key']>();

  constructor(
    private readonly byKeys: FaultyCluster,
    private readonly byReview: FaultyCluster,
    private readonly hasFallback: boolean,
  ) {
    for (const cluster of this.#clusters) this.#wellSinceMs.set(cluster, performance.now());
    this.#countImports();
    this.#countChecks();
    const reviewing = { issuer: byReview.issuer, apiServer: byReview.server.origin, method: 'token-review' as const };
    this.#verifier = createTokenVerifier({
      audience: 'billing',
      timeoutMs: TIMEOUT_MS,
      issuers: [
        { issuer: byKeys.issuer, apiServer: byKeys.server.origin },
        hasFallback ? { ...reviewing, fallbackMethod: 'key-set' } : reviewing,
      ],
    });
  }

  get #clusters(): readonly FaultyCluster[] {
    return [this.byKeys, this.byReview];
  }

  /** Lets everything happen that happens without time. */
  settle = (): Promise<void> =>
    this.#requests.settle(() =>
      this.#crypto > 0 ? Number.NaN : this.#clusters.reduce((sum, { server }) => sum + server.held, 0),
    );

  /** Call this whenever a server begins or ceases to answer. */
  noteMood(cluster: FaultyCluster): void {
    if (cluster.server.mood !== 'well') this.#wellSinceMs.set(cluster, Number.POSITIVE_INFINITY);
    else if (this.#wellSinceMs.get(cluster) === Number.POSITIVE_INFINITY) {
      this.#wellSinceMs.set(cluster, performance.now());
    }
  }

  /** Verifies a token, and compares the outcome with what is true of it at that moment. */
  verify(token: MadeToken, onAccepted = () => {}): void {
    const { cluster, key } = token;
    const beganAtMs = performance.now();
    const wasKnown = this.#knownAsWithdrawn.has(key);
    this.calls.follow('verify', VERIFY_MS, this.#verifier.verify(token.text), ({ error }: Outcome<unknown>) => {
      if (error === undefined) {
        this.#assertAcceptable(token, wasKnown);
        onAccepted();
      } else if (key !== undefined) this.#assertRefusable(token, error);
      else expect(error.code, 'refused: a forged token, with a typed error').toMatch(/^ERR_VERIFY_/);
      // Keys that old are fetched again in the background: this verification may be the last with the old ones.
      const isDue = key !== undefined && beganAtMs > key.withdrawnAtMs + KEYS_REFRESH_MS;
      if (isDue && this.#isWellSince(cluster, key.withdrawnAtMs + PAUSE_MS)) this.#knownAsWithdrawn.add(key);
    });
  }

  end(): void {
    this.#requests.stop();
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  }

  #assertAcceptable({ cluster, key, revokedAtMs, ...token }: MadeToken, wasKnown: boolean): void {
    expect(key, 'accepted: a forged token').toBeDefined();
    expect(this.#isInTime(token), 'accepted: a token out of its time').toBe(true);
    const nowMs = performance.now();
    expect(nowMs - key!.withdrawnAtMs, 'accepted: a key that was withdrawn').toBeLessThanOrEqual(KEYS_USABLE_MS);
    const isByKeys = cluster === this.byKeys;
    if (isByKeys) expect(wasKnown, 'accepted: a key that was withdrawn, after the keys were fetched again').toBe(false);
    const mayFallBack = this.hasFallback && !this.#isWellSince(cluster, nowMs - PAUSE_MS);
    if (isByKeys || mayFallBack) return;
    expect(nowMs - revokedAtMs, 'accepted: a token whose pod is gone').toBeLessThanOrEqual(REVIEW_HOLDS_MS);
  }

  /** Nobody must be told lastingly of a genuine token that it is none. */
  #assertRefusable({ cluster, key, revokedAtMs, ...token }: MadeToken, error: { readonly code?: string }): void {
    const allowed = ['ERR_VERIFY_UNAVAILABLE', 'ERR_VERIFY_KEY'];
    if (!this.#isInTime(token)) allowed.push('ERR_VERIFY_EXPIRED', 'ERR_VERIFY_NOT_YET_VALID');
    const mayBeRevoked = revokedAtMs < Number.POSITIVE_INFINITY || key!.withdrawnAtMs < Number.POSITIVE_INFINITY;
    const isPast = Date.now() >= token.expiresAtSeconds * 1000;
    if (cluster === this.byReview && (mayBeRevoked || isPast)) allowed.push('ERR_VERIFY_REVOKED');
    expect(allowed, 'refused: a genuine token').toContain(error.code);
  }

  #isInTime({ issuedAtSeconds, expiresAtSeconds }: Pick<MadeToken, 'issuedAtSeconds' | 'expiresAtSeconds'>): boolean {
    const nowMs = Date.now();
    return issuedAtSeconds * 1000 <= nowMs + TOLERANCE_MS && nowMs < expiresAtSeconds * 1000 + TOLERANCE_MS;
  }

  #isWellSince(cluster: FaultyCluster, sinceMs: number): boolean {
    return this.#wellSinceMs.get(cluster)! <= sinceMs;
  }

  #countImports(): void {
    const run = crypto.subtle.importKey.bind(crypto.subtle) as (...args: unknown[]) => Promise<unknown>;
    vi.spyOn(crypto.subtle, 'importKey').mockImplementation((async (...args: unknown[]) => {
      this.#crypto++;
      return run(...args).finally(() => this.#crypto--);
    }) as never);
  }

  #countChecks(): void {
    const run = nodeCrypto.verify as (...args: unknown[]) => unknown;
    vi.spyOn(nodeCrypto, 'verify').mockImplementation(((...args: unknown[]) => {
      const tell = args.at(-1);
      if (typeof tell !== 'function') return run(...args);
      this.#crypto++;
      return run(...args.slice(0, -1), (...outcome: unknown[]) => {
        this.#crypto--;
        tell(...outcome);
      });
    }) as never);
    // What the verifier imported by name is this one.
    syncBuiltinESMExports();
  }
}
