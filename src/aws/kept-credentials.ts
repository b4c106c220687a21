import { TokenExchangeError } from '../errors.js';
import { BackOff } from '../exchange/back-off.js';
import { withDeadline } from '../internal/deadline.js';

/** Credentials with their expiry. */
interface Expiring {
  readonly expiration?: Date;
}

/** Time limit of one exchange, in milliseconds: more than the SDK needs for three attempts at a slow STS. */
const EXCHANGE_TIMEOUT_MS = 30_000;

/** How long a caller waits for new credentials while the last ones are valid, in milliseconds. */
const PATIENCE_MS = 1_000;

/**
 * Returns the last credentials until they expire while no new ones can be obtained: STS is down or slow, or the pod terminates and the
 * kubelet no longer replaces its token. The SDK alone requests new credentials in the last five minutes, and fails at once although the
 * old ones still work.
 *
 * All callers share one exchange. A failed one is followed by a random pause without requests to STS, as the SDK would make one before
 * every request, and so that many pods do not retry together.
 */
export class KeptCredentials<Parameters extends unknown[], Credentials extends Expiring> {
  #kept: Credentials | undefined;
  #exchange: Promise<Credentials> | undefined;
  #pauseUntil = Number.NEGATIVE_INFINITY;
  readonly #backOff = new BackOff();

  /**
   * @param provide - makes an exchange
   * @param onKept - called with each failure after which the last credentials stay in use
   */
  constructor(
    private readonly provide: (...parameters: Parameters) => Promise<Credentials>,
    private readonly onKept: (error: unknown) => void,
  ) {}

  /** @throws what `provide` throws, if no valid credentials are left; `ERR_EXCHANGE_UNAVAILABLE` if it does not settle in time */
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
    `AWS STS returned no credentials within ${EXCHANGE_TIMEOUT_MS / 1000} s. Check the network policy, and AWS_ENDPOINT_URL_STS if it is set.`,
  );
}

function isValid<Credentials extends Expiring>(credentials: Credentials | undefined): credentials is Credentials {
  return credentials?.expiration !== undefined && Date.now() < credentials.expiration.getTime();
}
