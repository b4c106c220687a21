import type { VolumeFollower } from '../volume/volume-follower.js';
import type { ProviderStatus, ReadTrigger } from './provider-status.js';
import type { TokenInUse } from './token-in-use.js';

/** What a provider itself knows of its reads and calls. */
interface ProviderRecord {
  readonly path: string;
  readonly lastReadAtMs: number | undefined;
  readonly refusals: number;
  readonly reads: Readonly<Record<ReadTrigger, number>>;
}

/** Describes a provider as it is at a moment: a copy, without secrets. */
export function describeProvider(
  { path, lastReadAtMs, refusals, reads }: ProviderRecord,
  token: TokenInUse,
  volume: Pick<VolumeFollower, 'watching' | 'kind'>,
  nowMs: number,
): ProviderStatus {
  const current = token.usable(nowMs);
  const { failure, lastRotationAtMs, rotations, rejections } = token;
  return {
    state: token.stateAt(nowMs),
    overdue: token.isOverdueAt(nowMs),
    watching: volume.watching,
    path,
    file: volume.kind,
    token: current && {
      fingerprint: current.fingerprint,
      expiresAt: current.expiresAt,
      refreshAt: current.refreshAt,
    },
    lastRotationAt: dateOf(lastRotationAtMs),
    lastReadAt: dateOf(lastReadAtMs),
    lastError: failure && {
      code: failure.error.code,
      message: failure.error.message,
      at: new Date(failure.atMs),
    },
    counts: { rotations, rejections, refusals, reads: { ...reads } },
  };
}

function dateOf(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms);
}
