import { abortable, raceAbort, throwIfAborted } from './abort.js';
import { CoalescedRuns } from './coalesced-runs.js';
import { ProjectedTokenError, TokenFileError, TokenSourceClosedError } from './errors.js';
import { GuardedEmitter } from './guarded-emitter.js';
import type { ProjectedTokenEvents } from './provider-events.js';
import {
  type ProjectedTokenProviderOptions,
  type ResolvedProviderOptions,
  resolveProviderOptions,
} from './provider-options.js';
import type { ProviderState, ProviderStatus, ReadTrigger } from './provider-status.js';
import { assertAcceptable, expiredError, usableUntilMs, withPath } from './token/acceptance.js';
import { BoundToken } from './token/bound-token.js';
import { fingerprintOf } from './token/fingerprint.js';
import { overdueAtSeconds, refreshAtSeconds } from './token/schedule.js';
import { verifySignature } from './token/verify-signature.js';
import { BEARER_CARRIER, type GetTokenOptions, type TokenSource } from './token-source.js';
import { readTokenFile } from './volume/read-token-file.js';
import { VolumeFollower } from './volume/volume-follower.js';

/** Pause between two looks at the file while it should change any moment: short against the 29 s that a rotation can leave. */
const TIGHT_POLL_MS = 1000;

/**
 * Follows a bound service account token in a projected volume: always has the newest acceptable one at hand.
 *
 * @example
 * ```ts
 * const provider = await ProjectedTokenProvider.open({ path: '/var/run/secrets/tokens/vault-token', audience: 'vault' });
 * provider.on('rotated', ({ current }) => log.info({ token: current.fingerprint }, 'token rotated'));
 * const token = await provider.getToken();
 * await provider.close();
 * ```
 */
export class ProjectedTokenProvider extends GuardedEmitter<ProjectedTokenEvents> implements TokenSource {
  readonly carrier = BEARER_CARRIER;

  readonly #options: ResolvedProviderOptions;
  readonly #reads = new CoalescedRuns<ReadTrigger>((trigger) => this.#read(trigger));
  readonly #volume: VolumeFollower;
  readonly #closing = new AbortController();
  readonly #onSignal = () => void this.close();

  #state: ProviderState = 'opening';
  #current: BoundToken | undefined;
  /** The last accepted token, kept past its expiry to tell whether the file has changed. */
  #last: BoundToken | undefined;
  // The cached path of getToken: a clock and a promise made beforehand, nothing else.
  #usableUntilMs = Number.NEGATIVE_INFINITY;
  #cached: Promise<string> | undefined;

  #overdue = false;
  #timer: NodeJS.Timeout | undefined;
  #lastReadAt: number | undefined;
  #lastRotationAt: number | undefined;
  #lastError: { error: ProjectedTokenError; at: number } | undefined;
  #rejected: string | undefined;
  #rotations = 0;
  #rejections = 0;
  #refusals = 0;
  readonly #readCounts: Record<ReadTrigger, number> = { open: 0, event: 0, poll: 0, timer: 0, request: 0, refresh: 0 };

  #starting: Promise<this> | undefined;
  #ending: Promise<void> | undefined;
  #onAccepted: (() => void) | undefined;

  /**
   * Makes a provider that does nothing yet, for those who add listeners before the first read; {@link start} starts it.
   * Most programs use {@link ProjectedTokenProvider.open}.
   *
   * @throws `ERR_TOKEN_OPTION` ({@link InvalidOptionError})
   */
  constructor(options: ProjectedTokenProviderOptions = {}) {
    super();
    this.#options = resolveProviderOptions(options);
    this.#volume = new VolumeFollower(this.#options.fs, this.#options.path, {
      onChange: () => this.#reads.run('event'),
      onDegraded: (reason) => this.emit('degraded', { reason }),
      onRestored: () => this.emit('restored'),
    });
  }

  /**
   * Resolves with a provider that has an acceptable token in hand and watches for the next.
   *
   * @throws the reason why no token was acceptable within `readyTimeoutMs`: {@link TokenFileError}, {@link TokenClaimError},
   * {@link TokenExpiredError} or {@link TokenSignatureError}; `ERR_TOKEN_OPTION`; `ERR_TOKEN_ABORTED`
   *
   * @example
   * ```ts
   * await using provider = await ProjectedTokenProvider.open({ audience: 'vault' });
   * ```
   */
  static async open(options: ProjectedTokenProviderOptions = {}): Promise<ProjectedTokenProvider> {
    return new ProjectedTokenProvider(options).start();
  }

  /** Starts to read and watch; resolves and rejects as {@link ProjectedTokenProvider.open} does. Can be called again. */
  start(): Promise<this> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /**
   * The token in use, without a wait and without a look at the clock: `undefined` before the first, after `expired`, and once
   * closed. Requests use {@link getToken}.
   */
  get current(): BoundToken | undefined {
    return this.#current;
  }

  /** How the provider is doing. */
  get status(): ProviderStatus {
    const token = this.#current;
    const failure = this.#lastError;
    return {
      state: this.#state,
      overdue: this.#overdue,
      watching: this.#volume.watching,
      path: this.#options.path,
      file: this.#volume.kind,
      token: token && { fingerprint: token.fingerprint, expiresAt: token.expiresAt, refreshAt: token.refreshAt },
      lastRotationAt: dateOf(this.#lastRotationAt),
      lastReadAt: dateOf(this.#lastReadAt),
      lastError: failure && {
        code: failure.error.code,
        message: failure.error.message,
        at: new Date(failure.at),
      },
      counts: {
        rotations: this.#rotations,
        rejections: this.#rejections,
        refusals: this.#refusals,
        reads: { ...this.#readCounts },
      },
    };
  }

  /**
   * Resolves with a token that is not expired now. Costs a look at the clock; only when the token at hand has expired, for
   * instance in a process that was suspended, the file is read, once for all callers.
   *
   * @throws `ERR_TOKEN_EXPIRED`, or what keeps the file from giving a first token; `ERR_TOKEN_CLOSED`, `ERR_TOKEN_ABORTED`
   */
  getToken(options?: GetTokenOptions): Promise<string> {
    if (Date.now() < this.#usableUntilMs && !options?.signal?.aborted) return this.#cached!;
    return this.#obtain(options?.signal);
  }

  /**
   * Is told that a server refused a token; resolves with a different one, from memory or from the file, or with `undefined`
   * when the file still holds the same. One read, however many callers.
   *
   * @throws `ERR_TOKEN_CLOSED`, `ERR_TOKEN_ABORTED`
   */
  async replaceToken(refused: string, options?: GetTokenOptions): Promise<string | undefined> {
    this.#refusals++;
    const replacement = await this.#readUntil((token) => token.value !== refused, options?.signal);
    return replacement?.value;
  }

  /**
   * Reads the file now, and resolves with the token in use then: the file's, or the last good one if the file's is not
   * acceptable (`status.lastError` says why).
   *
   * @throws as {@link getToken}
   */
  async refresh(options?: GetTokenOptions): Promise<BoundToken> {
    throwIfAborted(options?.signal, WAIT);
    await this.#waitFor(this.#reads.run('refresh'), options?.signal);
    const token = this.#usable();
    if (token === undefined) throw this.#unusableError();
    return token;
  }

  /** Stops watching and reading; calls under way reject with `ERR_TOKEN_CLOSED`. Can be called twice. */
  close(): Promise<void> {
    this.#ending ??= this.#close();
    return this.#ending;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #start(): Promise<this> {
    const { signal, readyTimeoutMs } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    try {
      // Not unref'd: somebody waits for this.
      const elapsed = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, readyTimeoutMs);
      });
      const watched = this.#reads.run('open').then(() => this.#volume.follow());
      const accepted = new Promise<void>((resolve) => {
        this.#onAccepted = resolve;
      });
      await this.#waitFor(Promise.race([Promise.all([watched, accepted]), elapsed]), signal);
      if (this.#usable() === undefined) throw this.#unusableError();
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
    signal?.addEventListener('abort', this.#onSignal, { once: true });
    return this;
  }

  async #close(): Promise<void> {
    this.#state = 'closed';
    this.#usableUntilMs = Number.NEGATIVE_INFINITY;
    this.#cached = undefined;
    this.#current = undefined;
    this.#last = undefined;
    clearTimeout(this.#timer);
    this.#options.signal?.removeEventListener('abort', this.#onSignal);
    this.#closing.abort();
    await Promise.all([this.#volume.stop(), this.#reads.underWay]);
    this.emit('closed');
    this.removeAllListeners();
  }

  async #obtain(signal: AbortSignal | undefined): Promise<string> {
    const token = await this.#readUntil(() => true, signal);
    if (token === undefined) throw this.#unusableError();
    return token.value;
  }

  async #readUntil(
    isWanted: (token: BoundToken) => boolean,
    signal: AbortSignal | undefined,
  ): Promise<BoundToken | undefined> {
    const find = () => {
      const token = this.#usable();
      return token !== undefined && isWanted(token) ? token : undefined;
    };
    throwIfAborted(signal, WAIT);
    // The read under way may have opened the file before the caller's need arose: its outcome counts only if it serves.
    if (find() === undefined && this.#reads.underWay !== undefined) await this.#waitFor(this.#reads.underWay, signal);
    if (find() === undefined) await this.#waitFor(this.#reads.run('request'), signal);
    return find();
  }

  #waitFor<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const unlessClosed = raceAbort(work, this.#closing.signal, () => new TokenSourceClosedError());
    return abortable(unlessClosed, signal, WAIT);
  }

  #usable(): BoundToken | undefined {
    return Date.now() < this.#usableUntilMs ? this.#last : undefined;
  }

  #unusableError(): ProjectedTokenError {
    const cause = this.#lastError?.error;
    if (this.#last !== undefined) {
      return expiredError(this.#last, this.#options.expectation.expiryMarginSeconds, Date.now(), { cause });
    }
    const { path } = this.#options;
    return (
      cause ??
      new TokenFileError('ERR_TOKEN_READ_FAILED', `${path} could not be read in time. Its volume does not answer.`, {
        path,
      })
    );
  }

  /** Never rejects. */
  async #read(trigger: ReadTrigger): Promise<void> {
    if (this.#state === 'closed') return;
    clearTimeout(this.#timer);
    this.#readCounts[trigger]++;
    let text: string | undefined;
    try {
      const content = await readTokenFile(this.#options.fs, this.#options.path);
      text = content.text;
      this.#volume.locate(content);
      const candidate = text === this.#last?.value ? this.#last : await this.#examine(text, content.file);
      if (!this.#isClosed) this.#accept(candidate, trigger);
    } catch (error) {
      if (!this.#isClosed) this.#reject(error, text);
    }
    if (this.#isClosed) return;
    this.#lastReadAt = Date.now();
    this.#assess();
    this.#schedule();
  }

  // A method, so that the compiler does not narrow the state across an await.
  get #isClosed(): boolean {
    return this.#state === 'closed';
  }

  async #examine(text: string, file: string): Promise<BoundToken> {
    const { expectation, verify } = this.#options;
    try {
      const candidate = BoundToken.parse(text);
      assertAcceptable(candidate, expectation, Date.now());
      if (verify !== undefined) await verifySignature(candidate, verify);
      return candidate;
    } catch (error) {
      throw withPath(error, file);
    }
  }

  #accept(token: BoundToken, trigger: ReadTrigger): void {
    const previous = this.#last;
    this.#lastError = undefined;
    this.#rejected = undefined;
    this.#last = token;
    if (token !== previous) {
      this.#usableUntilMs = usableUntilMs(token, this.#options.expectation.expiryMarginSeconds);
      this.#cached = Promise.resolve(token.value);
      this.#overdue = false;
    }
    if (this.#usable() === undefined) return;
    const recovered = this.#state === 'expired';
    this.#current = token;
    this.#state = 'ready';
    this.#onAccepted?.();
    if (previous !== undefined && token !== previous) {
      this.#rotations++;
      this.#lastRotationAt = Date.now();
      // The watch should have told this before the poll found it: it may have gone blind.
      if (trigger === 'poll') void this.#volume.rearm();
      this.emit('rotated', { current: token, previous });
    }
    if (recovered) this.emit('recovered', { current: token });
  }

  #reject(cause: unknown, text: string | undefined): void {
    if (!(cause instanceof ProjectedTokenError)) {
      this.emit('error', cause instanceof Error ? cause : new Error(String(cause)));
      return;
    }
    this.#rejections++;
    this.#lastError = { error: cause, at: Date.now() };
    // Told once a cause, not at every look.
    const rejected = `${cause.code} ${text === undefined ? '' : fingerprintOf(text)}`;
    if (rejected === this.#rejected) return;
    this.#rejected = rejected;
    this.emit('rejected', { error: cause });
  }

  /** What time alone brings about; after a read, as the file may have changed while this process was suspended. */
  #assess(): void {
    const token = this.#current;
    if (token === undefined) return;
    const now = Date.now();
    if (now >= this.#usableUntilMs) {
      this.#current = undefined;
      this.#state = 'expired';
      this.emit('expired', { previous: token });
    } else if (!this.#overdue && now >= secondsToMs(overdueAtSeconds(token.claims))) {
      this.#overdue = true;
      this.emit('overdue', { current: token });
    }
  }

  /** One timer: the next poll, or the moment before it at which the token's state changes. */
  #schedule(): void {
    if (this.#isClosed) return;
    const now = Date.now();
    const { pollIntervalMs } = this.#options;
    const claims = this.#current?.claims;
    const refreshAtMs = secondsToMs(claims && refreshAtSeconds(claims));
    const calm = claims !== undefined && this.#lastError === undefined && now < refreshAtMs;
    const pollAtMs = now + (calm ? pollIntervalMs : Math.min(pollIntervalMs, TIGHT_POLL_MS));
    const marks = [refreshAtMs, secondsToMs(claims && overdueAtSeconds(claims)), this.#usableUntilMs];
    const wakeAtMs = Math.min(pollAtMs, ...marks.filter((mark) => mark > now));
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#onTimer(wakeAtMs < pollAtMs ? 'timer' : 'poll'), wakeAtMs - now);
    this.#timer.unref();
  }

  #onTimer(trigger: ReadTrigger): void {
    void this.#volume.check();
    void this.#reads.run(trigger);
  }
}

const WAIT = 'the wait for a token';

function secondsToMs(seconds: number | undefined): number {
  return seconds === undefined ? Number.POSITIVE_INFINITY : seconds * 1000;
}

function dateOf(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms);
}
