/** A token's times, in milliseconds. */
export interface TokenTimes {
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** Of an extended token. */
  readonly warnAfterMs?: number;
}

/** Kinds of tokens that a pod can be given, by what the pod asks for. */
export interface TokenKind {
  readonly name: string;
  /** `expirationSeconds` of the projected volume: what rotation goes by. */
  readonly requestedSeconds: number;
  /** `exp - iat` where it differs: an extended token says a year. */
  readonly actualSeconds?: number;
}

export const TOKEN_KINDS: readonly TokenKind[] = [
  { name: '600 s', requestedSeconds: 600 },
  { name: '3600 s', requestedSeconds: 3600 },
  { name: '7200 s', requestedSeconds: 7200 },
  { name: '86400 s', requestedSeconds: 86_400 },
  { name: 'one year (extended)', requestedSeconds: 3607, actualSeconds: 365 * 86_400 },
];

/** What goes wrong in a simulated cluster. */
export interface Troubles {
  /** Chance that one attempt to get a new token fails. */
  readonly refreshFailureChance: number;
  /** The API server is away for `seconds`, every `everySeconds` on average. */
  readonly outage: { readonly everySeconds: number; readonly seconds: number };
  /** The kubelet restarts, every so many seconds on average: its cache is lost, and the next sync gets a new token. */
  readonly restartEverySeconds: number;
  /** The kubelet is busy every so many seconds on average: its syncs are some 5 min apart, for `seconds`. */
  readonly busyKubelet: { readonly everySeconds: number; readonly seconds: number };
  /** The pod is told to end every so many seconds on average: no rotation while it terminates, for `seconds`. */
  readonly termination: { readonly everySeconds: number; readonly seconds: number };
}

export const USUAL_TROUBLES: Troubles = {
  refreshFailureChance: 0.02,
  outage: { everySeconds: 2 * 86_400, seconds: 600 },
  restartEverySeconds: 86_400,
  busyKubelet: { everySeconds: 5 * 86_400, seconds: 3600 },
  termination: { everySeconds: 5 * 86_400, seconds: 1800 },
};

/**
 * When the kubelet writes which token: its own policy (kubelet token_manager.go, requiresRefresh; pod_workers.go), with what can
 * go wrong. A function of its random numbers alone.
 *
 * @param syncFactor - syncs are so many times as far apart as by the kubelet's default
 */
export function* kubeletWrites(
  kind: TokenKind,
  troubles: Troubles,
  startMs: number,
  endMs: number,
  random: () => number,
  syncFactor = 1,
): Generator<{ readonly atMs: number; readonly token: TokenTimes }> {
  const exponential = (meanSeconds: number) => -Math.log(1 - random()) * meanSeconds * 1000;
  let token = issue(kind, startMs);
  yield { atMs: startMs, token };
  const isAway = spells(troubles.outage, startMs, exponential);
  const isTerminating = spells(troubles.termination, startMs, exponential);
  const isBusy = spells(troubles.busyKubelet, startMs, exponential);
  let restartAtMs = startMs + exponential(troubles.restartEverySeconds);
  for (let nowMs = startMs; ; ) {
    // A pod is synced every syncFrequency (1 min) times 1 to 1.5; the volume is remounted within that sync.
    nowMs += 60_000 * (1 + random() / 2) * (isBusy(nowMs) ? 5 : syncFactor);
    if (nowMs > endMs) return;
    const mayNotRefresh = [isAway, isTerminating].map((isSo) => isSo(nowMs)).includes(true);
    const hasRestarted = nowMs >= restartAtMs;
    if (!hasRestarted && !requiresRefresh(kind, token, nowMs, random)) continue;
    if (mayNotRefresh || random() < troubles.refreshFailureChance) continue;
    if (hasRestarted) restartAtMs = nowMs + exponential(troubles.restartEverySeconds);
    token = issue(kind, nowMs);
    yield { atMs: nowMs, token };
  }
}

/** Returns whether a trouble lasts at a time; asked with times that grow. */
function spells(
  { everySeconds, seconds }: { readonly everySeconds: number; readonly seconds: number },
  startMs: number,
  exponential: (meanSeconds: number) => number,
): (nowMs: number) => boolean {
  let beginsAtMs = startMs + exponential(everySeconds);
  return (nowMs) => {
    if (nowMs < beginsAtMs) return false;
    if (nowMs < beginsAtMs + seconds * 1000) return true;
    beginsAtMs = nowMs + exponential(everySeconds);
    return false;
  };
}

function issue(kind: TokenKind, nowMs: number): TokenTimes {
  const issuedAtMs = Math.floor(nowMs / 1000) * 1000;
  const expiresAtMs = issuedAtMs + (kind.actualSeconds ?? kind.requestedSeconds) * 1000;
  return kind.actualSeconds === undefined
    ? { issuedAtMs, expiresAtMs }
    : { issuedAtMs, expiresAtMs, warnAfterMs: issuedAtMs + kind.requestedSeconds * 1000 };
}

function requiresRefresh(kind: TokenKind, token: TokenTimes, nowMs: number, random: () => number): boolean {
  const jitterMs = Math.floor(random() * 10) * 1000;
  const ttlMs = kind.requestedSeconds * 1000;
  const requestedExpiryMs = token.issuedAtMs + ttlMs;
  return (
    nowMs > requestedExpiryMs - Math.floor(ttlMs * 0.2) - jitterMs || nowMs > token.issuedAtMs + 86_400_000 - jitterMs
  );
}
