import { kubeletWrites, type TokenTimes, type Troubles } from '../../../bench/simulation/kubelet-policy.js';
import { seededRandom } from '../../../bench/simulation/random.js';

/** What the sliders say. */
export interface LifeOptions {
  readonly lifetimeSeconds: number;
  /** Syncs are so many times 60 to 90 s apart. */
  readonly syncFactor: number;
  /** How long a program keeps what it read; 0 reads at each request. */
  readonly cacheSeconds: number;
  readonly seed: number;
}

/** A time in which a program that sends a request a second sends tokens of one kind. */
export interface Span {
  readonly fromMs: number;
  toMs: number;
  readonly state: 'fresh' | 'stale' | 'expired';
}

/** How long a program sent tokens that were not the newest. */
export interface Totals {
  readonly staleMs: number;
  readonly expiredMs: number;
}

/** A token in the file. */
export interface TokenLife {
  readonly fromMs: number;
  readonly replacedAtMs: number;
  readonly expiresAtMs: number;
}

/** All that the page draws. */
export interface Lives {
  readonly startMs: number;
  readonly endMs: number;
  readonly tokens: readonly TokenLife[];
  readonly cached: readonly Span[];
  readonly followed: readonly Span[];
  readonly cachedTotals: Totals;
  readonly followedTotals: Totals;
}

const ROTATIONS = 6;
const STEP_MS = 1000;
const NEVER = { everySeconds: Number.MAX_SAFE_INTEGER, seconds: 0 };
/** A kubelet whose syncs are five times as far apart is busy all the time; else nothing is wrong. */
const NO_TROUBLES: Troubles = {
  refreshFailureChance: 0,
  outage: NEVER,
  restartEverySeconds: Number.MAX_SAFE_INTEGER,
  busyKubelet: NEVER,
  termination: NEVER,
};

/** Runs the kubelet's policy, and looks each second at what a cache and the library would send. */
export function livesOfTokens({ lifetimeSeconds, syncFactor, cacheSeconds, seed }: LifeOptions): Lives {
  const startMs = 0;
  const endMs = ROTATIONS * lifetimeSeconds * 1000;
  const kind = { name: '', requestedSeconds: lifetimeSeconds };
  const writes = [...kubeletWrites(kind, NO_TROUBLES, startMs, endMs, seededRandom(seed), syncFactor)];
  const tokens = writes.map(({ atMs, token }, index) => ({
    fromMs: atMs,
    replacedAtMs: writes[index + 1]?.atMs ?? endMs,
    expiresAtMs: token.expiresAtMs,
  }));
  const inFileAt = (nowMs: number) => writes.findLast(({ atMs }) => atMs <= nowMs)!.token;
  let kept = inFileAt(startMs);
  let readAtMs = startMs;
  const cached = spansOf(startMs, endMs, (nowMs) => {
    if (nowMs - readAtMs >= cacheSeconds * 1000) {
      kept = inFileAt(nowMs);
      readAtMs = nowMs;
    }
    return stateOf(kept, inFileAt(nowMs), nowMs);
  });
  // It hears of a swap by an event of the directory, within milliseconds.
  const followed = spansOf(startMs, endMs, (nowMs) => stateOf(inFileAt(nowMs), inFileAt(nowMs), nowMs));
  return {
    startMs,
    endMs,
    tokens,
    cached,
    followed,
    cachedTotals: totalsOf(cached),
    followedTotals: totalsOf(followed),
  };
}

function stateOf(sent: TokenTimes, inFile: TokenTimes, nowMs: number): Span['state'] {
  if (nowMs >= sent.expiresAtMs) return 'expired';
  return sent === inFile ? 'fresh' : 'stale';
}

function spansOf(startMs: number, endMs: number, look: (nowMs: number) => Span['state']): Span[] {
  const spans: Span[] = [];
  for (let nowMs = startMs; nowMs < endMs; nowMs += STEP_MS) {
    const state = look(nowMs);
    const last = spans.at(-1);
    if (last?.state === state) last.toMs = nowMs + STEP_MS;
    else spans.push({ fromMs: nowMs, toMs: nowMs + STEP_MS, state });
  }
  return spans;
}

function totalsOf(spans: readonly Span[]): Totals {
  const sum = (state: Span['state']) =>
    spans.filter((span) => span.state === state).reduce((total, { fromMs, toMs }) => total + toMs - fromMs, 0);
  return { staleMs: sum('stale'), expiredMs: sum('expired') };
}
