import { ProjectedTokenProvider } from 'projected-token';
import { kubeletWrites, type TokenKind, type TokenTimes, USUAL_TROUBLES } from './kubelet-policy.js';
import { PodJudge, type PodOutcome } from './pod-judge.js';
import { type PodTrouble, podTroubles } from './pod-troubles.js';
import { seededRandom } from './random.js';
import { SimulatedVolume } from './simulated-volume.js';
import { VirtualClock } from './virtual-clock.js';

/** One pod: what is simulated is a function of this alone. */
export interface Pod {
  readonly seed: number;
  readonly kind: TokenKind;
  readonly days: number;
  /** The safety poll of the library. */
  readonly pollIntervalMs: number;
}

/** Something that happens, or a moment at which the pod needs its token. */
interface Moment {
  readonly atMs: number;
  readonly happen?: () => void;
}

const START_MS = Date.UTC(2026, 0, 1);
/** No token is handed out closer to its expiry. */
const MARGIN_MS = 10_000;

/** When the pod needs its token, from the moment of a change on, in milliseconds. */
const AFTER_WRITE_MS = [0, 1, 1_000, 5_000];
const AROUND_EXPIRY_MS = [-1_000, 0, 1, 1_000, MARGIN_MS - 1, MARGIN_MS, MARGIN_MS + 1_000];
const AFTER_TROUBLE_MS = [0, 1, 500, 1_000, 2_999, 3_001, 5_000, 10_000, 60_000];
const EVERY_MS = 4 * 3_600_000;

/** Runs the library through the life of one pod, on a volume and a clock of its own. */
export async function simulatePod({ seed, kind, days, pollIntervalMs }: Pod): Promise<PodOutcome> {
  const endMs = START_MS + days * 86_400_000;
  const random = seededRandom(seed);
  const clock = new VirtualClock(START_MS);
  const volume = new SimulatedVolume();
  const writes = [...kubeletWrites(kind, USUAL_TROUBLES, START_MS, endMs, random)].map(({ atMs, token }) => ({
    atMs: Math.round(atMs),
    token,
  }));
  const troubles = podTroubles(START_MS, endMs, random);
  const platformRandom = Math.random;
  clock.install();
  Math.random = random;
  try {
    const judge = new PodJudge(clock, volume, MARGIN_MS);
    const write = (token: TokenTimes, index: number) => {
      const jwt = jwtOf(token, index);
      judge.noteWrite(jwt, token);
      volume.write(jwt);
    };
    write(writes[0]!.token, 0);
    const provider = await ProjectedTokenProvider.open({ path: volume.path, fs: volume, pollIntervalMs });
    judge.follow(provider);
    const moments: Moment[] = [
      ...writes.slice(1).map(({ atMs, token }, index) => ({ atMs, happen: () => write(token, index + 1) })),
      ...troubles.flatMap((trouble) => momentsOf(trouble, clock, volume, judge)),
      ...needs(writes, troubles, endMs),
    ].sort((one, other) => one.atMs - other.atMs);
    for (const [index, { atMs, happen }] of moments.entries()) {
      // What came while the process stood still has come, before any timer fires.
      const wasSuspended = atMs < clock.nowMs;
      if (atMs > clock.nowMs) await clock.advanceTo(atMs);
      if (happen !== undefined) happen();
      else if (!wasSuspended) judge.call((moments[index + 1]?.atMs ?? endMs) - atMs);
      if (!wasSuspended) await clock.settle();
    }
    await clock.advanceTo(clock.nowMs + 60_000);
    const reads = Object.values(provider.status.counts.reads).reduce((sum, count) => sum + count, 0);
    await provider.close();
    return {
      ...judge.outcome,
      seed,
      kind: kind.name,
      days,
      rotations: writes.length - 1,
      troubles: troubles.length,
      reads,
    };
  } finally {
    Math.random = platformRandom;
    clock.uninstall();
  }
}

/** Begin and end of a trouble. */
function momentsOf(trouble: PodTrouble, clock: VirtualClock, volume: SimulatedVolume, judge: PodJudge): Moment[] {
  const { what, atMs, forMs, offsetMs } = trouble;
  const end = (happen: () => void): Moment => ({
    atMs: atMs + forMs,
    happen: () => {
      happen();
      judge.noteChange();
    },
  });
  switch (what) {
    case 'volume gone':
      return [{ atMs, happen: () => volume.unmount() }, end(() => volume.mount())];
    case 'reads hang':
      return [{ atMs, happen: () => volume.fallSilent() }, end(() => volume.answer())];
    case 'process suspended':
      return [
        {
          atMs,
          happen: () => {
            clock.suspend(atMs + forMs - clock.nowMs);
            judge.noteChange();
          },
        },
      ];
    case 'clock set':
      return [
        {
          atMs,
          happen: () => {
            clock.offsetMs = offsetMs;
            judge.noteChange();
          },
        },
        end(() => {
          clock.offsetMs = 0;
        }),
      ];
  }
}

/** When the pod needs its token: wherever something may go wrong, and every four hours. */
function needs(
  writes: readonly { readonly atMs: number; readonly token: TokenTimes }[],
  troubles: readonly PodTrouble[],
  endMs: number,
): Moment[] {
  const times: number[] = [];
  for (const [index, { atMs, token }] of writes.entries()) {
    for (const afterMs of AFTER_WRITE_MS) times.push(atMs + afterMs);
    // An extended token expires a year later.
    if ((writes[index + 1]?.atMs ?? endMs) < token.expiresAtMs - MARGIN_MS) continue;
    for (const aroundMs of AROUND_EXPIRY_MS) times.push(token.expiresAtMs - MARGIN_MS + aroundMs);
  }
  for (const { atMs, forMs } of troubles) {
    for (const afterMs of AFTER_TROUBLE_MS) times.push(atMs + afterMs, atMs + forMs + afterMs);
  }
  for (let atMs = START_MS + 1; atMs < endMs; atMs += EVERY_MS) times.push(atMs);
  return times.filter((atMs) => atMs > START_MS && atMs < endMs).map((atMs) => ({ atMs }));
}

/** A token as a cluster makes it; its signature is of the right form, and nobody looks at it here. */
function jwtOf({ issuedAtMs, expiresAtMs, warnAfterMs }: TokenTimes, number: number): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const iat = issuedAtMs / 1000;
  const claims = {
    iss: 'https://kubernetes.default.svc',
    sub: 'system:serviceaccount:default:build-robot',
    aud: ['vault'],
    iat,
    nbf: iat,
    exp: expiresAtMs / 1000,
    jti: String(number),
    'kubernetes.io': {
      namespace: 'default',
      serviceaccount: { name: 'build-robot' },
      ...(warnAfterMs !== undefined && { warnafter: warnAfterMs / 1000 }),
    },
  };
  return `${encode({ alg: 'ES256', kid: 'k' })}.${encode(claims)}.${SIGNATURE}`;
}

const SIGNATURE = Buffer.alloc(64, 7).toString('base64url');
