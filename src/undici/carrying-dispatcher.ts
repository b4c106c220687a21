import { type Dispatcher, errors } from 'undici';
import type { TokenCarriage } from '../carry/token-carriage.js';
import { DispatchCarrier } from '../dispatch/dispatch-carrier.js';
import { failDispatch } from '../dispatch/legacy-handler.js';
import { DispatchJourneys } from './dispatch-journeys.js';
import { UnsettledRequests } from './unsettled-requests.js';

const ERRORS = {
  aborted: () => new errors.RequestAbortedError(),
  timedOut: () => new errors.HeadersTimeoutError(),
  redirecting: () => new errors.InvalidArgumentError('maxRedirections is not supported, use the redirect interceptor'),
};

/** What takes the place of the members of a dispatcher whose requests carry the token. */
export class CarryingDispatcher {
  readonly #unsettled = new UnsettledRequests();
  readonly #journeys: DispatchJourneys;
  readonly #carrier: DispatchCarrier;

  constructor(
    carriage: TokenCarriage,
    private readonly dispatcher: Dispatcher,
  ) {
    this.#journeys = new DispatchJourneys(carriage);
    this.#carrier = new DispatchCarrier(carriage, dispatcher, { errors: ERRORS, unsettled: this.#unsettled });
  }

  readonly dispatch = (options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean => {
    // One that is closed rejects every request at once, and waits for no token before that.
    if (this.#isBeneath('closed') || this.#isBeneath('destroyed')) return this.dispatcher.dispatch(options, handler);
    if (this.#unsettled.areAwaited) return failDispatch(handler, new errors.ClientClosedError());
    return this.#carrier.dispatch(this.#journeys.of(handler), options, handler);
  };

  /** As a graceful end waits for requests that were sent, it waits for those whose token is still waited for. */
  readonly close = (...args: [callback?: () => void]): Promise<void> | void => {
    const [callback] = args;
    const close = () => this.dispatcher.close(...(args as []));
    if (this.#unsettled.isEmpty || (callback !== undefined && typeof callback !== 'function')) return close();
    if (callback !== undefined) return this.#unsettled.onceSettled(close);
    return new Promise((resolve, reject) => {
      this.#unsettled.onceSettled(() => void close().then(resolve, reject));
    });
  };

  readonly destroy = (...args: unknown[]): Promise<void> => {
    const [error] = args;
    this.#unsettled.end(
      typeof error === 'object' && error !== null ? (error as Error) : new errors.ClientDestroyedError(),
    );
    return this.dispatcher.destroy(...(args as []));
  };

  get closed(): unknown {
    return this.#unsettled.areAwaited || this.#isBeneath('closed');
  }

  /** The types of undici do not have these properties on every dispatcher. */
  #isBeneath(state: 'closed' | 'destroyed'): unknown {
    return Reflect.get(this.dispatcher, state);
  }
}
