import type { ProjectedTokenError } from '../errors.js';
import { isProjectedTokenError } from '../internal/is-projected-token-error.js';
import { toError } from '../internal/to-error.js';
import { expiredError, usableUntilMs } from '../token/acceptance.js';
import type { BoundToken } from '../token/bound-token.js';
import { fingerprintOf } from '../token/fingerprint.js';
import { overdueAtSeconds, refreshAtSeconds } from '../token/schedule.js';
import type { TellEvent } from './provider-events.js';
import type { ProviderState } from './provider-status.js';

/**
 * The token in use and what became of it: the one place where a provider's state changes. Knows neither files nor timers; it is
 * told what was read and what time it is, and tells what follows from that.
 */
export class TokenInUse {
  /** The state that was last told; {@link stateAt} is the state by the clock. */
  state: ProviderState = 'opening';
  /** The token that was last told to be in use; undefined once it was told to have expired. */
  current: BoundToken | undefined;
  /** The last accepted token, kept past its expiry to tell whether the file has changed. */
  last: BoundToken | undefined;
  /** Until when {@link cached} may be handed out. With it, all that the cached path of `getToken` needs. */
  usableUntilMs = Number.NEGATIVE_INFINITY;
  cached: Promise<string> | undefined;
  /** Whether `current` was told to be overdue. */
  overdue = false;
  failure: { readonly error: ProjectedTokenError; readonly atMs: number } | undefined;
  lastRotationAtMs: number | undefined;
  rotations = 0;
  rejections = 0;
  #told: string | undefined;
  /** Whether somebody was told that there is no token. */
  #isMissed = false;

  constructor(
    private readonly expiryMarginSeconds: number,
    private readonly tell: TellEvent,
  ) {}

  /** The last accepted token, if the clock still allows its use. */
  usable(nowMs: number): BoundToken | undefined {
    return nowMs < this.usableUntilMs ? this.last : undefined;
  }

  /** The state by the clock, whatever was told: a timer may be late, or the clock may have been set. */
  stateAt(nowMs: number): ProviderState {
    if (this.state === 'closed') return 'closed';
    if (this.usable(nowMs) !== undefined) return 'ready';
    return this.state === 'opening' ? 'opening' : 'expired';
  }

  /** Whether rotation is late by the clock. */
  isOverdueAt(nowMs: number): boolean {
    return nowMs >= msOf(this.last && overdueAtSeconds(this.last.claims));
  }

  /** Call this when the program goes on without a first token; the first is then told as `recovered`. */
  goWithout(): void {
    this.#isMissed = this.last === undefined;
  }

  /** The file holds an acceptable token, or still the last one. Returns whether it took the place of another. */
  accept(token: BoundToken, nowMs: number): boolean {
    const previous = this.last;
    this.failure = undefined;
    this.#told = undefined;
    if (token !== previous) {
      this.last = token;
      this.usableUntilMs = usableUntilMs(token, this.expiryMarginSeconds);
      this.cached = Promise.resolve(token.value);
      this.overdue = false;
    }
    if (this.usable(nowMs) === undefined) return false;
    const recovered = this.#isMissed;
    this.#isMissed = false;
    const rotated = previous !== undefined && previous !== token;
    this.current = token;
    this.state = 'ready';
    if (rotated) {
      this.rotations++;
      this.lastRotationAtMs = nowMs;
      this.tell('rotated', { current: token, previous });
    }
    if (recovered) this.tell('recovered', { current: token });
    return rotated;
  }

  /** The file holds nothing acceptable, or cannot be read. `content` tells one cause from the next. */
  reject(error: unknown, content: string, nowMs: number): void {
    if (!isProjectedTokenError(error)) {
      this.tell('error', toError(error));
      return;
    }
    this.rejections++;
    this.failure = { error, atMs: nowMs };
    // Told once a cause, not at every look.
    const cause = `${error.code} ${fingerprintOf(content)}`;
    if (cause === this.#told) return;
    this.#told = cause;
    this.tell('rejected', { error });
  }

  /**
   * What time alone brings about. Call this after a read where one is soon to end: the file may have changed while this
   * process was suspended.
   */
  passTime(nowMs: number): void {
    const token = this.current;
    if (token === undefined) return;
    if (nowMs >= this.usableUntilMs) {
      this.current = undefined;
      this.state = 'expired';
      this.#isMissed = true;
      this.tell('expired', { previous: token });
    } else if (!this.overdue && nowMs >= msOf(overdueAtSeconds(token.claims))) {
      this.overdue = true;
      this.tell('overdue', { current: token });
    }
  }

  /** Whether nothing is expected of the file now: a token is in use, all is well with it, and its refresh time is not come. */
  isCalm(nowMs: number): boolean {
    return this.current !== undefined && this.failure === undefined && nowMs < this.#refreshAtMs;
  }

  /** The next moment at which time alone changes something; infinite when there is none. */
  nextMarkMs(nowMs: number): number {
    const overdueAtMs = msOf(this.current && overdueAtSeconds(this.current.claims));
    return Math.min(...[this.#refreshAtMs, overdueAtMs, this.usableUntilMs].filter((mark) => mark > nowMs));
  }

  /** Why there is no token to hand out; undefined when nothing was read yet. */
  unusableError(nowMs: number): ProjectedTokenError | undefined {
    const cause = this.failure?.error;
    return this.last === undefined ? cause : expiredError(this.last, this.expiryMarginSeconds, nowMs, { cause });
  }

  close(): void {
    this.state = 'closed';
    this.current = undefined;
    this.last = undefined;
    this.usableUntilMs = Number.NEGATIVE_INFINITY;
    this.cached = undefined;
  }

  get #refreshAtMs(): number {
    return msOf(this.current && refreshAtSeconds(this.current.claims));
  }
}

function msOf(seconds: number | undefined): number {
  return seconds === undefined ? Number.POSITIVE_INFINITY : seconds * 1000;
}
