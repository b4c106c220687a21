import type { ProjectedTokenProvider } from 'projected-token';
import type { TokenTimes } from './kubelet-policy.js';
import type { SimulatedVolume } from './simulated-volume.js';
import type { VirtualClock } from './virtual-clock.js';

/** How the library fared in one pod. */
export interface PodFindings {
  /** Calls of `getToken`. */
  calls: number;
  /** Seconds in which a call would be given a token that had expired by the clock of the pod. Must be 0. */
  expiredSeconds: number;
  /** … by the true time, while the clock of the pod was behind it. Nobody in the pod can tell. */
  expiredUnawaresSeconds: number;
  /** Calls that failed although the file held a valid token all the while, and could be read. Must be 0. */
  failures: number;
  /** Times at which `status` or `current` said what was not so. Must be 0. */
  untrue: number;
  /** Seconds from the moment at which a new token could be read to that at which it was in use. */
  staleSeconds: number;
  /** The longest of them. */
  longestStaleSeconds: number;
  /** The longest that a call took, in seconds. */
  longestCallSeconds: number;
}

/** {@link PodFindings} of a pod, and what was simulated. */
export interface PodOutcome extends PodFindings {
  readonly seed: number;
  readonly kind: string;
  readonly days: number;
  readonly rotations: number;
  readonly troubles: number;
  readonly reads: number;
}

/** How far ahead of the clock a token may have been issued: the provider's default. */
const CLOCK_TOLERANCE_MS = 60_000;
/** Tokens that may still be on their way to a caller. */
const KNOWN_TOKENS = 16;

/** Knows what is in the file and what the clocks say, and compares it with what the library does. */
export class PodJudge {
  readonly outcome: PodFindings = {
    calls: 0,
    expiredSeconds: 0,
    expiredUnawaresSeconds: 0,
    failures: 0,
    untrue: 0,
    staleSeconds: 0,
    longestStaleSeconds: 0,
    longestCallSeconds: 0,
  };
  readonly #tokens = new Map<string, TokenTimes>();
  #inFile: { readonly times: TokenTimes; isInUse: boolean } | undefined;
  #inUse: TokenTimes | undefined;
  /** Since when what is in the file is there to be read, by a process that runs. */
  #sinceMs = 0;
  #provider!: ProjectedTokenProvider;

  constructor(
    private readonly clock: VirtualClock,
    private readonly volume: SimulatedVolume,
    private readonly marginMs: number,
  ) {}

  follow(provider: ProjectedTokenProvider): void {
    this.#provider = provider;
    const onToken = ({ current }: { readonly current: { readonly value: string } }) => this.#adopt(current.value);
    provider.on('rotated', onToken);
    provider.on('recovered', onToken);
    this.#adopt(provider.current!.value);
  }

  noteWrite(jwt: string, times: TokenTimes): void {
    if (this.#inFile?.isInUse === false && this.#isUsable(this.#inFile.times)) this.#countStale();
    this.#tokens.set(jwt, times);
    if (this.#tokens.size > KNOWN_TOKENS) this.#tokens.delete(this.#tokens.keys().next().value!);
    this.#inFile = { times, isInUse: false };
    this.#sinceMs = Math.max(this.#sinceMs, this.clock.nowMs);
  }

  /** A trouble has ended, or the clock was set: what was so before does not count. */
  noteChange(): void {
    this.#sinceMs = this.clock.nowMs;
  }

  /** The pod needs its token. @param weightMs - for how long the outcome stands */
  call(weightMs: number): void {
    this.#look();
    const { clock, volume, outcome } = this;
    const beganAtMs = clock.nowMs;
    outcome.calls++;
    const end = (jwt: string | undefined) => {
      const hasChanged = this.#sinceMs > beganAtMs;
      if (!hasChanged)
        outcome.longestCallSeconds = Math.max(outcome.longestCallSeconds, (clock.nowMs - beganAtMs) / 1000);
      if (jwt === undefined) {
        if (!hasChanged && volume.isReadable && this.#isUsable(this.#inFile!.times)) outcome.failures++;
        return;
      }
      const { expiresAtMs } = this.#tokens.get(jwt)!;
      if (Date.now() >= expiresAtMs) outcome.expiredSeconds += weightMs / 1000;
      else if (clock.nowMs >= expiresAtMs) outcome.expiredUnawaresSeconds += weightMs / 1000;
    };
    this.#provider.getToken().then(end, () => end(undefined));
  }

  /** Compares what the provider says of itself with what is so by the clock of the pod. */
  #look(): void {
    const { status, current } = this.#provider;
    const expiresAtMs = this.#inUse!.expiresAtMs;
    const isReady = Date.now() < expiresAtMs - this.marginMs;
    const isTrue =
      status.state === (isReady ? 'ready' : 'expired') &&
      (current !== undefined) === isReady &&
      (!isReady || status.token?.expiresAt?.getTime() === expiresAtMs);
    if (!isTrue) this.outcome.untrue++;
  }

  #adopt(jwt: string): void {
    const times = this.#tokens.get(jwt)!;
    this.#inUse = times;
    if (this.#inFile!.times !== times || this.#inFile!.isInUse) return;
    this.#inFile!.isInUse = true;
    this.#countStale();
  }

  #countStale(): void {
    if (!this.volume.isReadable) return;
    // By a clock that is behind, a new token is not valid yet.
    const validSinceMs = this.#inFile!.times.issuedAtMs - CLOCK_TOLERANCE_MS - this.clock.offsetMs;
    const staleSeconds = Math.max(0, this.clock.nowMs - Math.max(this.#sinceMs, validSinceMs)) / 1000;
    this.outcome.staleSeconds += staleSeconds;
    this.outcome.longestStaleSeconds = Math.max(this.outcome.longestStaleSeconds, staleSeconds);
  }

  #isUsable({ issuedAtMs, expiresAtMs }: TokenTimes): boolean {
    const nowMs = Date.now();
    return issuedAtMs <= nowMs + CLOCK_TOLERANCE_MS && nowMs < expiresAtMs - this.marginMs;
  }
}
