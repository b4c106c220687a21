import { TokenExchangeError } from '../errors.js';
import { BackOff } from '../exchange/back-off.js';
import { withDeadline } from '../internal/deadline.js';

/** What is kept: credentials that say until when they are valid. */
interface Expiring {
  readonly expiration?: Date;
}

/** How long one exchange may take, in milliseconds: more than the SDK needs for three attempts at an STS that answers slowly. */
const EXCHANGE_TIMEOUT_MS = 30_000;

/** How long a caller waits for new credentials while the last ones are valid, in milliseconds. */
const PATIENCE_MS = 1_000;

/**
 * Keeps giving the last credentials until they expire when no new ones can be had: STS is down or slow, or the pod terminates and
 * the kubelet does not replace its token any more. The SDK asks for new ones in the last five minutes, and would fail at once
 * although the old ones still work.
 *
 * All callers share one exchange. A failed one is followed by a random pause, in which STS is left alone: the SDK asks
 * before every request then, and many pods that lost STS together do not come back together.
 */
export class KeptCredentials<Parameters extends unknown[], Credentials extends Expiring> {
  #kept: Credentials | undefined;
  #exchange: Promise<Credentials> | undefined;
  #pauseUntil = Number.NEGATIVE_INFINITY;
  readonly #backOff = new BackOff();

  /**
   * @param provide - makes an exchange
   * @param onKept - called with each failure in spite of which credentials were kept
   */
  constructor(
    private readonly provide: (...parameters: Parameters) => Promise<Credentials>,
    private readonly onKept: (error: unknown) => void,
  ) {}

  /** @throws what `provide` throws, when no valid credentials are left; `ERR_EXCHANGE_UNAVAILABLE` when that never ends */
  async get(...parameters: Parameters): Promise<Credentials> {
    if (performance.now() < this.#pauseUntil && isValid(this.#kept)) return this.#kept;
    this.#exchange ??= this.#start(parameters).finally(() => {
      this.#exchange = undefined;
    });
    const exchange = this.#exchange;
    if (!isValid(this.#kept)) return exchange;
    try {
      return await withDeadline(() => exchange, { timeoutMs: PATIENCE_MS, toError: noAnswer });
    } catch (error) {
      if (isValid(this.#kept)) return this.#kept;
      throw error;
    }
  }

  async #start(parameters: Parameters): Promise<Credentials> {
    try {
      const deadline = { timeoutMs: EXCHANGE_TIMEOUT_MS, toError: noAnswer };
      this.#kept = await withDeadline(() => this.provide(...parameters), deadline);
      this.#backOff.reset();
      return this.#kept;
    } catch (error) {
      this.#pauseUntil = performance.now() + this.#backOff.next();
      if (isValid(this.#kept)) this.onKept(error);
      throw error;
    }
  }
}

function noAnswer(): TokenExchangeError {
  return new TokenExchangeError(
    'ERR_EXCHANGE_UNAVAILABLE',
    `AWS STS returned no credentials within ${EXCHANGE_TIMEOUT_MS / 1000} s. Check the network policy, and AWS_ENDPOINT_URL_STS where it is set.`,
  );
}

function isValid<Credentials extends Expiring>(credentials: Credentials | undefined): credentials is Credentials {
  return credentials?.expiration !== undefined && Date.now() < credentials.expiration.getTime();
}
