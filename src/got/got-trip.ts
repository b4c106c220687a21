import type { Options } from 'got';
import { isReplayableBody } from '../carry/is-replayable-body.js';
import type { TokenCarriage, TokenJourney } from '../carry/token-carriage.js';
import { hideOnceSent } from './hide-once-sent.js';
import { type Sender, sendBeneath } from './send-beneath.js';

/** What this needs of the options of an attempt. */
export type AttemptOptions = Sender & Pick<Options, 'url' | 'headers' | 'body' | 'signal' | 'isStream' | 'cache'>;

/** Why there is an attempt: the first one, the next hop, the retry of a refused token, or a retry of got's own. */
type Reason = 'start' | 'hop' | 'refused' | 'retry';

/**
 * One request of got on its way. It lies in the context of the request's options, which got copies from one attempt to the next,
 * and which the program gets to see: so all that it holds is private.
 */
export class GotTrip {
  readonly #carriage: TokenCarriage;
  readonly #form: FormData | undefined;
  #journey: TokenJourney;
  #isCarrying = false;
  #next: Reason | undefined = 'start';

  /** @param form - what the body is made of, if that is a FormData: got makes a generator of it, which gives its bytes once */
  constructor(carriage: TokenCarriage, form?: FormData) {
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
   * Before each attempt: asks for the token, and has it put on beneath got.
   *
   * @throws what the source throws
   */
  async depart(request: AttemptOptions): Promise<void> {
    if (this.#next === 'retry') this.#beginAgain();
    this.#next = undefined;
    const url = new URL(String(request.url));
    if (hasHeader(request.headers, this.#carriage.header)) this.#journey.leave();
    this.#isCarrying = this.#journey.carriesTo(url);
    const value = await this.#journey.valueFor(url, request.signal);
    const { token } = this.#journey;
    if (value !== undefined && token !== undefined) this.#putOn(request, value, token);
  }

  /** Whether to send the request once more because its token was refused; makes it ready for that. */
  async isToBeSentAgain(status: number, request: AttemptOptions): Promise<boolean> {
    const isReplayable = isReplayableBody(request.body);
    const canSendAgain = isReplayable || this.#form !== undefined;
    if (!(await this.#journey.shouldRetry(status, canSendAgain, request.signal))) return false;
    this.#next = 'refused';
    if (!isReplayable) {
      request.body = this.#form;
      // It named the boundary of the first time.
      delete request.headers['content-type'];
    }
    return true;
  }

  /** A retry of got's own begins where the last hop led, with the token of that time. */
  #beginAgain(): void {
    this.#journey = this.#carriage.begin();
    if (!this.#isCarrying) this.#journey.leave();
  }

  #putOn(request: AttemptOptions, value: string, token: string): void {
    const { header } = this.#carriage;
    const journey = this.#journey;
    // What it would keep would be for requests with any token.
    request.cache = undefined;
    sendBeneath(
      request,
      (url, headers) => {
        // Hooks that ran after this library's may have changed where it goes, or set the header.
        if (this.#carriage.allows(url) && !hasHeader(headers, header)) return { ...headers, [header]: value };
        journey.leave();
        return headers;
      },
      (sent) => {
        hideOnceSent(sent, token);
        // got does not tell hooks of the responses to its streams.
        if (request.isStream)
          sent.once('response', ({ statusCode = 0 }) => tellSource(journey, statusCode, request.signal));
      },
    );
  }
}

/** Of a refusal that leads to no retry. */
function tellSource(journey: TokenJourney, status: number, signal: AbortSignal | undefined): void {
  journey.shouldRetry(status, false, signal).catch(() => {});
}

function hasHeader(headers: object | undefined, name: string): boolean {
  return Object.keys(headers ?? {}).some((key) => key.toLowerCase() === name);
}
