import { type ProjectedTokenError, TokenFileError, TokenSourceClosedError } from '../errors.js';
import { abortable, onceAborted, raceAbort, throwIfAborted } from '../internal/abort.js';
import { CoalescedRuns } from '../internal/coalesced-runs.js';
import { GuardedEmitter } from '../internal/guarded-emitter.js';
import type { BoundToken } from '../token/bound-token.js';
import { BEARER_CARRIER, type GetTokenOptions, type TokenSource } from '../token-source.js';
import { VolumeFollower } from '../volume/volume-follower.js';
import { describeProvider } from './describe-provider.js';
import { publishDiagnostics } from './diagnostics-channels.js';
import type { ProjectedTokenEvents, TellEvent } from './provider-events.js';
import {
  type ProjectedTokenProviderOptions,
  type ResolvedProviderOptions,
  resolveProviderOptions,
} from './provider-options.js';
import type { ProviderStatus, ReadTrigger } from './provider-status.js';
import { ReadSchedule } from './read-schedule.js';
import { TokenInUse } from './token-in-use.js';
import { TokenReader } from './token-reader.js';

/** How long `close` waits for what is under way: a volume that does not answer must not keep a program from ending. */
const CLOSING_PATIENCE_MS = 1000;

const WAIT = 'the wait for a token';

/**
 * Follows a bound service account token in a projected volume, and always has the newest acceptable one at hand.
 *
 * Four things lead to a read of the file, and each alone is enough: an event of the directory, a safety poll, a timer at the
 * token's refresh time, and a caller that needs a token now.
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
  readonly #token: TokenInUse;
  readonly #reader: TokenReader;
  readonly #volume: VolumeFollower;
  readonly #schedule: ReadSchedule;
  readonly #reads = new CoalescedRuns<ReadTrigger>((trigger) => this.#read(trigger));
  readonly #readCounts: Record<ReadTrigger, number> = { open: 0, event: 0, poll: 0, timer: 0, request: 0, refresh: 0 };
  readonly #closing = new AbortController();
  #forgetSignal: (() => void) | undefined;
  readonly #tell: TellEvent = (event, ...payload) => {
    this.emit(event, ...(payload as never));
    publishDiagnostics(event, this.#options.path, payload[0]);
  };
  #lastReadAtMs: number | undefined;
  #refusals = 0;
  #onFirstToken: (() => void) | undefined;
  #starting: Promise<this> | undefined;
  #ending: Promise<void> | undefined;

  /**
   * Creates a provider that does nothing yet, so that listeners can be added before the first read; {@link start} starts it.
   * Most programs use {@link ProjectedTokenProvider.open}.
   *
   * @throws `ERR_TOKEN_OPTION` ({@link InvalidOptionError})
   */
  constructor(options: ProjectedTokenProviderOptions = {}) {
    super();
    this.#options = resolveProviderOptions(options);
    this.#token = new TokenInUse(this.#options.expectation.expiryMarginSeconds, this.#tell);
    this.#reader = new TokenReader(this.#options);
    this.#schedule = new ReadSchedule(this.#options.pollIntervalMs, {
      onLook: (trigger) => {
        void this.#volume.check();
        void this.#reads.run(trigger);
      },
      onTime: () => {
        this.#token.passTime(Date.now());
        return this.#token.nextMarkMs(Date.now());
      },
    });
    this.#volume = new VolumeFollower(this.#options.fs, this.#options.path, {
      onChange: () => this.#reads.run('event'),
      onDegraded: (reason) => this.#tell('degraded', { reason }),
      onRestored: () => this.#tell('restored'),
    });
  }

  /**
   * Resolves with a provider that has an acceptable token in hand and watches for the next; with `waitForToken: false`
   * after the first read of the file, whatever its outcome.
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

  /**
   * Starts to read and watch; resolves and rejects as {@link ProjectedTokenProvider.open} does. A second call returns the same
   * promise.
   */
  start(): Promise<this> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /**
   * Returns the token in use: `undefined` before the first one, from `expiryMarginSeconds` before its expiry on, and after
   * `close`. For requests use {@link getToken}.
   */
  get current(): BoundToken | undefined {
    return this.#token.usable(Date.now());
  }

  /** Returns the token if it is usable at this moment, without reading the file; otherwise `undefined`. */
  peekToken(): string | undefined {
    return this.#token.usable(Date.now())?.value;
  }

  /** Reports the state at this moment, by the clock: a plain object without secrets. Reading it emits no event. */
  get status(): ProviderStatus {
    return describeProvider(
      { path: this.#options.path, lastReadAtMs: this.#lastReadAtMs, refusals: this.#refusals, reads: this.#readCounts },
      this.#token,
      this.#volume,
      Date.now(),
    );
  }

  /**
   * Resolves with a token that is not expired now. It looks at the clock only; the file is read, once for all callers, when
   * the token at hand has expired, for instance in a process that was suspended.
   *
   * @throws `ERR_TOKEN_EXPIRED`, or the reason why the file holds no first token, such as `ERR_TOKEN_READ_FAILED` for a
   * volume that did not answer within 3 s; `ERR_TOKEN_CLOSED`, `ERR_TOKEN_ABORTED`
   */
  getToken(options?: GetTokenOptions): Promise<string> {
    if (Date.now() < this.#token.usableUntilMs && !options?.signal?.aborted) return this.#token.cached!;
    return this.#readToken(options?.signal);
  }

  /**
   * Call this when a server rejected a token. Resolves with a different one, or with `undefined` if the file still holds the
   * same or its volume does not answer. Concurrent calls share one read.
   *
   * @throws `ERR_TOKEN_CLOSED`, `ERR_TOKEN_ABORTED`
   */
  async replaceToken(refused: string, options?: GetTokenOptions): Promise<string | undefined> {
    this.#refusals++;
    throwIfAborted(options?.signal, WAIT);
    // Even another token at hand may have been replaced meanwhile; only a read that begins now tells which one the server takes.
    await this.#waitFor(this.#reads.run('request'), options?.signal);
    const token = this.#token.usable(Date.now())?.value;
    return token === refused ? undefined : token;
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
    return this.#token.usable(Date.now()) ?? this.#throwUnusable();
  }

  /**
   * Stops watching and reading; calls under way reject with `ERR_TOKEN_CLOSED`. Resolves when what is under way has ended, a second
   * later at the most. Can be called twice.
   */
  close(): Promise<void> {
    this.#ending ??= this.#close();
    return this.#ending;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #start(): Promise<this> {
    const { signal, waitForToken } = this.#options;
    try {
      throwIfAborted(signal, WAIT);
      const firstRead = this.#reads.run('open');
      const isWatched = firstRead.then(() => this.#volume.follow());
      if (waitForToken) {
        await this.#awaitFirstToken(isWatched);
      } else {
        await this.#waitFor(firstRead, signal);
        this.#token.goWithout();
      }
    } catch (error) {
      await this.close();
      throw error;
    }
    if (signal !== undefined) this.#forgetSignal = onceAborted(signal, () => void this.close());
    return this;
  }

  async #awaitFirstToken(isWatched: Promise<void>): Promise<void> {
    const { signal, readyTimeoutMs } = this.#options;
    const hasToken = new Promise<void>((resolve) => {
      this.#onFirstToken = resolve;
    });
    let timer: NodeJS.Timeout | undefined;
    const elapsed = new Promise<void>((resolve) => {
      // Not unref'd: somebody waits for this.
      if (readyTimeoutMs > 0) timer = setTimeout(resolve, readyTimeoutMs);
      else void isWatched.then(resolve);
    });
    try {
      await this.#waitFor(Promise.race([Promise.all([hasToken, isWatched]), elapsed]), signal);
    } finally {
      clearTimeout(timer);
    }
    if (this.#token.usable(Date.now()) === undefined) this.#throwUnusable();
  }

  async #close(): Promise<void> {
    this.#token.close();
    this.#schedule.stop();
    this.#forgetSignal?.();
    this.#closing.abort();
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSING_PATIENCE_MS);
    });
    await Promise.race([Promise.all([this.#volume.stop(), this.#reads.underWay]), patience]);
    clearTimeout(timer);
    this.#tell('closed');
    this.removeAllListeners();
  }

  async #readToken(signal: AbortSignal | undefined): Promise<string> {
    throwIfAborted(signal, WAIT);
    // The read under way may have opened the file before the caller's need arose: its outcome counts only if it serves.
    if (this.#reads.underWay !== undefined) await this.#waitFor(this.#reads.underWay, signal);
    if (this.#token.usable(Date.now()) === undefined) await this.#waitFor(this.#reads.run('request'), signal);
    return this.#token.usable(Date.now())?.value ?? this.#throwUnusable();
  }

  #waitFor<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const unlessClosed = raceAbort(work, this.#closing.signal, () => new TokenSourceClosedError());
    return abortable(unlessClosed, signal, WAIT);
  }

  #throwUnusable(): never {
    const { path, readyTimeoutMs } = this.#options;
    const error: ProjectedTokenError | undefined = this.#token.unusableError(Date.now());
    if (error !== undefined) throw error;
    const message = `${path} could not be read within ${readyTimeoutMs} ms: its volume does not answer. Check the mount and the node.`;
    throw new TokenFileError('ERR_TOKEN_READ_FAILED', message, { path });
  }

  /** Never rejects. */
  async #read(trigger: ReadTrigger): Promise<void> {
    if (this.#isClosed) return;
    this.#schedule.pausePolling();
    this.#readCounts[trigger]++;
    const reading = await this.#reader.read(this.#token.last);
    if (this.#isClosed) return;
    this.#volume.locate(reading.location);
    const nowMs = Date.now();
    if (reading.token === undefined) {
      this.#token.reject(reading.error, reading.text, nowMs);
    } else if (this.#token.accept(reading.token, nowMs) && trigger === 'poll') {
      // The watch should have told this before the poll found it: it may have gone blind.
      void this.#volume.rearm();
    }
    this.#lastReadAtMs = nowMs;
    this.#token.passTime(nowMs);
    if (this.#token.current !== undefined) this.#onFirstToken?.();
    // A listener may have closed the provider.
    if (!this.#isClosed) this.#schedule.arm(this.#token.isCalm(nowMs), this.#token.nextMarkMs(nowMs));
  }

  get #isClosed(): boolean {
    return this.#ending !== undefined;
  }
}
