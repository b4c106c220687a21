import { createFsFromVolume, Volume } from 'memfs';
import { ProjectedTokenProvider, type TokenFileSystem } from 'projected-token';
import { TokenIssuer, TokenVolume } from 'projected-token/testing';
import { kubeletWrites, type TokenKind, type TokenTimes, type Troubles } from './kubelet-policy.js';
import { seededRandom } from './random.js';
import { VirtualClock } from './virtual-clock.js';

/** How one way of following the file fared. Seconds are those in which a request, sent once a second, met the condition. */
export interface Outcome {
  /** An expired token would have been presented although the file held a valid one. */
  expiredSeconds: number;
  /** An expired token would have been presented, whatever the file held. */
  presentedExpiredSeconds: number;
  /** A valid token would have been presented that the file did not hold any more. */
  staleSeconds: number;
  /** No token was there to present although the file held a valid one. */
  missingSeconds: number;
  reads: number;
}

/** A way of following the file. */
export type Policy = 'projected-token' | 'projected-token, polling only' | '60 s cache' | '5 min cache' | 'read once';

export interface SimulationOptions {
  readonly kind: TokenKind;
  readonly troubles: Troubles;
  readonly days: number;
  readonly seed: number;
}

interface Write {
  readonly atMs: number;
  readonly token: TokenTimes;
}

const START_MS = Date.UTC(2026, 0, 1);

/** Runs the same cluster, with the same troubles, past one way of following the file. */
export async function simulate(policy: Policy, options: SimulationOptions): Promise<Outcome> {
  const endMs = START_MS + options.days * 86_400_000;
  const writes = [...kubeletWrites(options.kind, options.troubles, START_MS, endMs, seededRandom(options.seed))];
  switch (policy) {
    case '60 s cache':
      return simulateCache(writes, endMs, 60_000);
    case '5 min cache':
      return simulateCache(writes, endMs, 300_000);
    case 'read once':
      return simulateCache(writes, endMs, Number.POSITIVE_INFINITY);
    default:
      return simulateProvider(writes, endMs, policy === 'projected-token, polling only');
  }
}

/** What most clients do: read the file when a request comes and the last read is older than so much. */
function simulateCache(writes: readonly Write[], endMs: number, maxAgeMs: number): Outcome {
  const outcome = noOutcome();
  let written = 0;
  let cached: TokenTimes | undefined;
  let readAtMs = Number.NEGATIVE_INFINITY;
  for (let nowMs = START_MS + 1000; nowMs < endMs; nowMs += 1000) {
    while (written + 1 < writes.length && writes[written + 1]!.atMs <= nowMs) written++;
    const inFile = writes[written]!.token;
    if (cached === undefined || nowMs - readAtMs > maxAgeMs) {
      cached = inFile;
      readAtMs = nowMs;
      outcome.reads++;
    }
    count(outcome, cached, inFile, nowMs, 1);
  }
  return outcome;
}

/** The library itself, on an in-memory volume and a clock of its own. */
async function simulateProvider(writes: readonly Write[], endMs: number, isPollingOnly: boolean): Promise<Outcome> {
  const outcome = noOutcome();
  const issuer = await TokenIssuer.create({ algorithm: 'ES256' });
  const clock = new VirtualClock(START_MS);
  const memory = createFsFromVolume(new Volume()) as unknown as TokenFileSystem & typeof import('node:fs');
  const fs = isPollingOnly ? withoutWatches(memory) : memory;
  const volume = new TokenVolume({ directory: '/var/run/secrets/tokens', fs: memory });
  const timesOf = new Map<string, TokenTimes>();
  const write = async ({ token }: Write) => {
    const jwt = await issuer.mint({ claims: claimsOf(token) });
    timesOf.set(jwt, token);
    volume.write(jwt);
    await clock.settle();
  };
  clock.install();
  try {
    await write(writes[0]!);
    const provider = await ProjectedTokenProvider.open({ path: volume.path, fs });
    let next = 1;
    for (let nowMs = START_MS + 1000; nowMs < endMs; ) {
      while (next < writes.length && writes[next]!.atMs <= nowMs) {
        await clock.advanceTo(writes[next]!.atMs);
        await write(writes[next++]!);
      }
      await clock.advanceTo(nowMs);
      const inFile = writes[next - 1]!.token;
      const jwt = await provider.getToken().catch(() => undefined);
      const presented = jwt === undefined ? undefined : timesOf.get(jwt)!;
      // Second by second where something may happen; ten seconds at once where the file and the library hold the same token
      // and it has long to live.
      const isQuiet =
        presented === inFile && inFile.expiresAtMs - nowMs > 30_000 && (writes[next]?.atMs ?? endMs) - nowMs > 30_000;
      const weight = isQuiet ? 10 : 1;
      count(outcome, presented, inFile, nowMs, weight);
      nowMs += weight * 1000;
    }
    outcome.reads = Object.values(provider.status.counts.reads).reduce((sum, reads) => sum + reads, 0);
    await provider.close();
  } finally {
    clock.uninstall();
  }
  return outcome;
}

function count(
  outcome: Outcome,
  presented: TokenTimes | undefined,
  inFile: TokenTimes,
  nowMs: number,
  seconds: number,
): void {
  const fileIsValid = nowMs < inFile.expiresAtMs - 10_000;
  if (presented === undefined) {
    if (fileIsValid) outcome.missingSeconds += seconds;
  } else if (nowMs >= presented.expiresAtMs) {
    outcome.presentedExpiredSeconds += seconds;
    if (fileIsValid) outcome.expiredSeconds += seconds;
  } else if (presented !== inFile) {
    outcome.staleSeconds += seconds;
  }
}

function noOutcome(): Outcome {
  return { expiredSeconds: 0, presentedExpiredSeconds: 0, staleSeconds: 0, missingSeconds: 0, reads: 0 };
}

function claimsOf({ issuedAtMs, expiresAtMs, warnAfterMs }: TokenTimes): Record<string, unknown> {
  const iat = issuedAtMs / 1000;
  const kubernetes = { namespace: 'default', serviceaccount: { name: 'build-robot' } };
  const warnafter = warnAfterMs === undefined ? {} : { warnafter: warnAfterMs / 1000 };
  return { iat, nbf: iat, exp: expiresAtMs / 1000, 'kubernetes.io': { ...kubernetes, ...warnafter } };
}

/** The same file system on a node that is out of inotify watches. */
function withoutWatches(fs: TokenFileSystem): TokenFileSystem {
  return {
    promises: fs.promises,
    watch() {
      throw Object.assign(new Error('ENOSPC: System limit for number of file watchers reached'), { code: 'ENOSPC' });
    },
  };
}
