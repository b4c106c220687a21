import axios, { AxiosHeaders, type AxiosResponse } from 'axios';
import { isReplayableBody } from '../carry/is-replayable-body.js';
import type { TokenCarriage, TokenJourney } from '../carry/token-carriage.js';
import { bytesOfForm } from './bytes-of-form.js';
import { untilCanceled } from './cancellation.js';
import type { RequestConfig } from './request-config.js';
import { type Send, sendShowing } from './sent-request.js';

type BeforeRedirect = NonNullable<RequestConfig['beforeRedirect']>;

/** One request on its way through axios' http adapter, or one of the program's own: its redirects, and its retry. */
export class HttpTrip {
  readonly #journey: TokenJourney;
  /** What to send to the hop that was reached, without the token. */
  #hop: RequestConfig;
  #url: URL;

  constructor(
    private readonly carriage: TokenCarriage,
    private readonly config: RequestConfig,
    url: URL,
    private readonly send: Send,
  ) {
    this.#journey = carriage.begin();
    this.#hop = bytesOfForm(config);
    this.#url = url;
  }

  async run(): Promise<AxiosResponse> {
    const answer = this.#attempt();
    const { status, data } = await answer.catch(responseOf);
    const isReplayable = isReplayableBody(this.#hop.data);
    const isWorthRetrying = await untilCanceled(this.config, (signal) =>
      this.#journey.shouldRetry(status, isReplayable, signal),
    );
    if (!isWorthRetrying) return answer;
    discard(data);
    return this.#attempt();
  }

  async #attempt(): Promise<AxiosResponse> {
    const { header } = this.carriage;
    const value = await untilCanceled(this.config, (signal) => this.#journey.valueFor(this.#url, signal));
    const headers = AxiosHeaders.concat(this.#hop.headers, { [header]: value ?? null });
    const sent: RequestConfig = { ...this.#hop, headers, beforeRedirect: this.#beforeRedirect };
    try {
      return await sendShowing(this.config, sent, this.send, this.#journey.token);
    } finally {
      // A response that is a stream may fail later on, with an error that shows what was sent.
      headers.delete(header);
    }
  }

  /**
   * Looks at each hop anew: follow-redirects takes `Authorization` off across origins, even between listed ones, and leaves every
   * other header on. The program's own function sees no token; a header that it sets is left alone.
   */
  readonly #beforeRedirect: BeforeRedirect = (options, response, request) => {
    const { header } = this.carriage;
    options.headers = without(header, options.headers);
    this.config.beforeRedirect?.(
      options,
      response,
      request && { ...request, headers: without(header, request.headers) },
    );
    const isOwn = AxiosHeaders.from(options.headers).has(header);
    if (isOwn) this.#journey.leave();
    this.#url = new URL(options.href);
    this.#hop = this.#hopTo(options);
    const value = this.#journey.valueAtRedirect(this.#url);
    if (value !== undefined) options.headers[header] = value;
  };

  /** What follow-redirects is about to send to the next hop, as a request of its own. */
  #hopTo({ method, headers, auth }: Parameters<BeforeRedirect>[0]): RequestConfig {
    const isSameMethod = method === this.#hop.method?.toUpperCase();
    return {
      ...this.#hop,
      url: this.#url.href,
      baseURL: undefined,
      params: undefined,
      method,
      headers: AxiosHeaders.from(headers),
      auth: credentialsOf(auth),
      // A redirect that makes a GET of another method takes the body off.
      data: isSameMethod ? this.#hop.data : undefined,
    };
  }
}

function without(header: string, headers: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== header));
}

/** Basic credentials, which Node's options hold as `user:password`. */
function credentialsOf(auth: string | undefined): RequestConfig['auth'] {
  if (auth === undefined) return undefined;
  const [username = '', ...password] = auth.split(':');
  return { username, password: password.join(':') };
}

/** The response in what an adapter rejects with, if there is one: a status outside of `validateStatus`. */
function responseOf(error: unknown): AxiosResponse {
  if (axios.isAxiosError(error) && error.response !== undefined) return error.response;
  throw error;
}

/** Ends a response that nobody reads, so that its socket can be used again. */
function discard(data: unknown): void {
  const stream = data as { destroy?(): void } | null | undefined;
  if (typeof stream?.destroy === 'function') stream.destroy();
}
