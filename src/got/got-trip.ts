import type { ClientRequest } from 'node:http';
import type { Options } from 'got';
import { isReplayableBody } from '../carry/is-replayable-body.js';
import { isProxyRequest } from '../carry/request-destination.js';
import type { TokenCarriage, TokenJourney } from '../carry/token-carriage.js';
import { hasHeader } from './has-header.js';
import { type Sender, sendBeneath } from './send-beneath.js';
import { TimeLimit } from './time-limit.js';

/** What this needs of the options of an attempt. */
export type AttemptOptions = Sender &
  Pick<Options, 'url' | 'headers' | 'body' | 'signal' | 'isStream' | 'cache' | 'timeout' | 'hooks'>;

/** A FormData of the program. */
export interface OwnForm {
  readonly data: FormData;
  /** Whether the program gives it a content type of its own, which got then leaves alone. */
  readonly isTyped: boolean;
}

/** Why there is an attempt: the first one, the next hop, the retry of a refused token, or a retry of got's own. */
type Reason = 'start' | 'hop' | 'refused' | 'retry';

/**
 * One request of got on its way, through its redirects and retries.
 */
export class GotTrip {
  readonly #carriage: TokenCarriage;
  readonly #form: OwnForm | undefined;
  #journey: TokenJourney;
  #isCarrying = false;
  #next: Reason | undefined = 'start';

  /** @param form - what the body is made of, if that is a FormData: got makes a generator of it, which gives its bytes once */
  constructor(carriage: TokenCarriage, form?: OwnForm) {
    this.#carriage = carriage;
    this.#form = form;
    this.#journey = carriage.begin();
  }

  /** Whether an attempt is to come. A program that uses the options of a request once more brings a trip that is over. */
  get goesOn(): boolean {
    return this.#next !== undefined;
  }

  /** Before got follows a redirect. */
  expectHop(): void {
    this.#next = 'hop';
  }

  /** Before got sends the request once more. */
  expectRetry(): void {
    if (this.#next !== 'refused') this.#next = 'retry';
  }

  /**
   * Before each attempt: asks for the token, and has it put on beneath got. There is nothing to wait for where it is at hand.
   *
   * @throws what the source throws; as got does when `timeout.request` passes before
   */
  depart(request: AttemptOptions): Promise<void> | undefined {
    if (this.#next === 'retry') this.#beginAgain();
    this.#next = undefined;
    // got keeps a URL; a hook may have put a text there.
    const url = request.url instanceof URL ? request.url : new URL(String(request.url));
    if (hasHeader(request.headers, this.#carriage.header)) this.#journey.leave();
    this.#isCarrying = this.#journey.carriesTo(url);
    if (!this.#isCarrying) return undefined;
    if (this.#journey.valueAtHand() === undefined) return this.#wait(request);
    this.#putOn(request);
    return undefined;
  }

  async #wait(request: AttemptOptions): Promise<void> {
    const limit = new TimeLimit(request);
    await limit.wait((signal) => this.#journey.value(signal), request.signal);
    this.#putOn(request, limit);
  }

  isRefusal(status: number): boolean {
    return this.#carriage.isRefusal(status);
  }

  /** Whether to send the request once more because its token was refused; makes it ready for that. */
  async isToBeSentAgain(status: number, request: AttemptOptions): Promise<boolean> {
    const isReplayable = isReplayableBody(request.body);
    const canSendAgain = isReplayable || this.#form !== undefined;
    if (!(await this.#journey.shouldRetry(status, canSendAgain, request.signal))) return false;
    this.#next = 'refused';
    if (!isReplayable) {
      request.body = this.#form?.data;
      // got's own names the boundary of the first time. Without a value it keeps its place among the headers.
      if (!this.#form?.isTyped) request.headers['content-type'] = undefined;
    }
    return true;
  }

  /** A retry of got's own begins where the last hop led, with the token of that time. */
  #beginAgain(): void {
    this.#journey = this.#carriage.begin();
    if (!this.#isCarrying) this.#journey.leave();
  }

  #putOn(request: AttemptOptions, limit?: TimeLimit): void {
    const { header: name } = this.#carriage;
    const journey = this.#journey;
    // What it would keep would be for requests with any token. got checks what it is set to, which costs more than to ask.
    if (request.cache !== undefined) request.cache = undefined;
    sendBeneath(request, {
      header: this.#carriage.headerOf(journey.token!),
      mayCarry: (url, headers) => {
        // Hooks that ran after this library's may have changed where it goes, or set the header.
        const mayCarry = this.#carriage.allows(url) && !hasHeader(headers, name);
        if (!mayCarry) journey.leave();
        return mayCarry;
      },
      watch: (sent) => {
        this.#assertMayPassProxy(sent);
        limit?.cover(sent);
        // got does not tell hooks of the responses to its streams.
        if (request.isStream)
          sent.once('response', ({ statusCode = 0 }) => tellSource(journey, statusCode, request.signal));
      },
    });
  }

  /** Node's agents take the proxies of the environment when the program is started for that. */
  #assertMayPassProxy(sent: ClientRequest): void {
    if (!isProxyRequest(sent)) return;
    try {
      this.#carriage.assertMayPassProxy(new URL(sent.path).origin);
    } catch (error) {
      // Nothing has been sent in this turn.
      sent.once('error', () => {});
      sent.destroy();
      throw error;
    }
  }
}

/** Of a refusal that leads to no retry. */
function tellSource(journey: TokenJourney, status: number, signal: AbortSignal | undefined): void {
  journey.shouldRetry(status, false, signal).catch(() => {});
}
