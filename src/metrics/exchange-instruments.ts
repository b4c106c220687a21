import type { ExchangeFigures } from '../exchange/exchange-figures.js';
import { countsBy, type Instrument, oneOf, secondsUntil } from './instrument.js';

/** An exchange with metrics, such as a `VaultTokenProvider`. */
export interface ObservableExchange {
  readonly figures: ExchangeFigures;
  once(event: 'closed', listener: () => void): unknown;
}

const STATES: readonly ExchangeFigures['state'][] = ['opening', 'ready', 'expired', 'closed'];

/** Every metric of an exchange. */
export const EXCHANGE_INSTRUMENTS: readonly Instrument<ObservableExchange>[] = [
  {
    name: 'exchange.state',
    kind: 'gauge',
    unit: '1',
    description: '1 for the state that the exchange is in, 0 for the others.',
    attributes: ['state'],
    measure: ({ figures }) => oneOf('state', STATES, figures.state),
  },
  {
    name: 'exchange.lease_duration',
    kind: 'gauge',
    unit: 's',
    description: 'Life that the token in use had when it was obtained or renewed.',
    measure: ({ figures }) => secondsUntil(figures.expiresAt, figures.obtainedAt?.getTime() ?? 0),
  },
  {
    name: 'exchange.time_until_expiry',
    kind: 'gauge',
    unit: 's',
    description: 'Time until the token in use expires.',
    measure: ({ figures }, nowMs) => secondsUntil(figures.expiresAt, nowMs),
  },
  {
    name: 'exchange.time_until_attempt',
    kind: 'gauge',
    unit: 's',
    description: 'Time until the next login or renewal; 0 or less while it is due or under way.',
    measure: ({ figures }, nowMs) => secondsUntil(figures.nextAttemptAt, nowMs),
  },
  {
    name: 'exchange.backing_off',
    kind: 'gauge',
    unit: '1',
    description: '1 when the last attempt failed and the next one follows after a pause.',
    measure: ({ figures }) => [{ value: figures.isBackingOff ? 1 : 0 }],
  },
  {
    name: 'exchange.grants',
    kind: 'counter',
    unit: '{grant}',
    description: 'New tokens (login) and renewals of the token in use (renewal).',
    attributes: ['grant'],
    measure: ({ figures: { counts } }) => countsBy('grant', { login: counts.logins, renewal: counts.renewals }),
  },
  {
    name: 'exchange.failures',
    kind: 'counter',
    unit: '{attempt}',
    description: 'Logins and renewals that failed, by the code of the error.',
    attributes: ['code'],
    measure: ({ figures }) => countsBy('code', figures.counts.failures),
  },
];
