import type { ProjectedTokenProvider } from '../provider/projected-token-provider.js';
import type { ProviderState, ProviderStatus } from '../provider/provider-status.js';
import { countsBy, type Instrument, oneOf, secondsUntil } from './instrument.js';

const STATES: readonly ProviderState[] = ['opening', 'ready', 'expired', 'closed'];
const WATCH_MODES: readonly ProviderStatus['watching'][] = ['events', 'polling'];

/** Every metric of a provider. */
export const PROVIDER_INSTRUMENTS: readonly Instrument<ProjectedTokenProvider>[] = [
  {
    name: 'age',
    kind: 'gauge',
    unit: 's',
    description: 'Time since the token in use was issued.',
    measure: ({ current }, nowMs) => secondsUntil(current?.issuedAt, nowMs, -1),
  },
  {
    name: 'time_until_expiry',
    kind: 'gauge',
    unit: 's',
    description: 'Time until the token in use expires.',
    measure: ({ current }, nowMs) => secondsUntil(current?.expiresAt, nowMs),
  },
  {
    name: 'time_until_refresh',
    kind: 'gauge',
    unit: 's',
    description: 'Time until the kubelet starts to replace the token in use; negative while its rotation is due.',
    measure: ({ current }, nowMs) => secondsUntil(current?.refreshAt, nowMs),
  },
  {
    name: 'rotations',
    kind: 'counter',
    unit: '{rotation}',
    description: 'Times that the token was replaced by another one.',
    measure: ({ status }) => [{ value: status.counts.rotations }],
  },
  {
    name: 'rejected_candidates',
    kind: 'counter',
    unit: '{candidate}',
    description: 'Reads of the token file that found no acceptable token.',
    measure: ({ status }) => [{ value: status.counts.rejections }],
  },
  {
    name: 'refused_requests',
    kind: 'counter',
    unit: '{request}',
    description: 'Requests whose token a server rejected.',
    measure: ({ status }) => [{ value: status.counts.refusals }],
  },
  {
    name: 'reads',
    kind: 'counter',
    unit: '{read}',
    description: 'Reads of the token file, by what led to them.',
    attributes: ['trigger'],
    measure: ({ status }) => countsBy('trigger', status.counts.reads),
  },
  {
    name: 'state',
    kind: 'gauge',
    unit: '1',
    description: '1 for the state that the provider is in, 0 for the others.',
    attributes: ['state'],
    measure: ({ status }) => oneOf('state', STATES, status.state),
  },
  {
    name: 'watch_mode',
    kind: 'gauge',
    unit: '1',
    description: '1 for the way in which the volume is watched, 0 for the other.',
    attributes: ['mode'],
    measure: ({ status }) => oneOf('mode', WATCH_MODES, status.watching),
  },
  {
    name: 'rotation_overdue',
    kind: 'gauge',
    unit: '1',
    description: '1 when the refresh time of the token is long past and its file is unchanged.',
    measure: ({ status }) => [{ value: status.overdue ? 1 : 0 }],
  },
];
