import type { ProjectedTokenProvider } from '../provider/projected-token-provider.js';
import type { ProviderState, ProviderStatus, ReadTrigger } from '../provider/provider-status.js';

/** A value at this moment, with the attribute that tells it from others of the same instrument. */
export interface Measurement {
  readonly value: number;
  readonly attribute?: string;
}

/** One figure of a provider, whatever library exports it. */
export interface Instrument {
  /** What follows `projected_token.` (OpenTelemetry) or `projected_token_` (Prometheus, dots as underscores). */
  readonly name: string;
  readonly kind: 'counter' | 'gauge';
  /** Unit in UCUM, as OpenTelemetry asks for; `{…}` counts things. */
  readonly unit: string;
  readonly description: string;
  /** Name of the attribute, or label, of its measurements. */
  readonly attribute?: string;
  /** Its measurements; none while there is nothing to measure. */
  measure(provider: ProjectedTokenProvider, nowMs: number): readonly Measurement[];
}

const STATES: readonly ProviderState[] = ['opening', 'ready', 'expired', 'closed'];
const WATCH_MODES: readonly ProviderStatus['watching'][] = ['events', 'polling'];

/** Every figure of a provider: the one table that OpenTelemetry and Prometheus are served from. */
export const INSTRUMENTS: readonly Instrument[] = [
  {
    name: 'age',
    kind: 'gauge',
    unit: 's',
    description: 'Time since the token in use was issued.',
    measure: ({ current }, nowMs) => seconds(current?.issuedAt, (at) => nowMs - at),
  },
  {
    name: 'time_until_expiry',
    kind: 'gauge',
    unit: 's',
    description: 'Time until the token in use expires.',
    measure: ({ current }, nowMs) => seconds(current?.expiresAt, (at) => at - nowMs),
  },
  {
    name: 'time_until_refresh',
    kind: 'gauge',
    unit: 's',
    description: 'Time until the kubelet starts to replace the token in use; negative while its rotation is due.',
    measure: ({ current }, nowMs) => seconds(current?.refreshAt, (at) => at - nowMs),
  },
  {
    name: 'rotations',
    kind: 'counter',
    unit: '{rotation}',
    description: 'Times that another token took the place of the one before.',
    measure: ({ status }) => [{ value: status.counts.rotations }],
  },
  {
    name: 'rejected_candidates',
    kind: 'counter',
    unit: '{candidate}',
    description: 'Reads of the token file whose outcome was not acceptable.',
    measure: ({ status }) => [{ value: status.counts.rejections }],
  },
  {
    name: 'refused_requests',
    kind: 'counter',
    unit: '{request}',
    description: 'Requests whose token a server refused.',
    measure: ({ status }) => [{ value: status.counts.refusals }],
  },
  {
    name: 'reads',
    kind: 'counter',
    unit: '{read}',
    description: 'Reads of the token file, by what led to them.',
    attribute: 'trigger',
    measure: ({ status }) =>
      (Object.entries(status.counts.reads) as [ReadTrigger, number][]).map(([attribute, value]) => ({
        value,
        attribute,
      })),
  },
  {
    name: 'state',
    kind: 'gauge',
    unit: '1',
    description: '1 for the state that the provider is in, 0 for the others.',
    attribute: 'state',
    measure: ({ status }) => oneOf(STATES, status.state),
  },
  {
    name: 'watch_mode',
    kind: 'gauge',
    unit: '1',
    description: '1 for the way in which the volume is watched, 0 for the other.',
    attribute: 'mode',
    measure: ({ status }) => oneOf(WATCH_MODES, status.watching),
  },
  {
    name: 'rotation_overdue',
    kind: 'gauge',
    unit: '1',
    description: '1 when the refresh time of the token is long past and its file is unchanged.',
    measure: ({ status }) => [{ value: status.overdue ? 1 : 0 }],
  },
];

function seconds(date: Date | undefined, toMs: (atMs: number) => number): readonly Measurement[] {
  return date === undefined ? [] : [{ value: toMs(date.getTime()) / 1000 }];
}

function oneOf<T extends string>(all: readonly T[], present: T): readonly Measurement[] {
  return all.map((attribute) => ({ value: attribute === present ? 1 : 0, attribute }));
}
