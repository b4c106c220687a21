import axios, { AxiosHeaders, type AxiosResponse } from 'axios';
import { hideToken } from '../carry/hide-token.js';
import { isReplayableBody } from '../carry/is-replayable-body.js';
import type { RequestDestination } from '../carry/request-destination.js';
import type { TokenCarriage, TokenJourney } from '../carry/token-carriage.js';
import { bytesOfForm } from './bytes-of-form.js';
import { urlOfHop } from './redirect-options.js';
import { type AdapterConfig, copyConfig, type RequestConfig } from './request-config.js';
import { headersWithout, removeHeader } from './request-headers.js';
import { showAs, showConfig } from './show-config.js';
import { TimeLimit } from './time-limit.js';
import { TripAgents } from './trip-agents.js';
import { TripProgress, watchesProgress } from './trip-progress.js';

type BeforeRedirect = NonNullable<RequestConfig['beforeRedirect']>;

/** As many as follow-redirects follows where nobody says how many. */
const MAX_REDIRECTS = 21;

/** One request on its way through axios' http adapter, or one of the program's own: its redirects, and its retry. */
export class HttpTrip {
  readonly #journey: TokenJourney;
  readonly #agents: TripAgents;
  readonly #limit: TimeLimit;
  readonly #progress: TripProgress | undefined;
  /** What to send to the hop that was reached, without the token. */
  #hop: RequestConfig;
  #url: URL;
  #redirects = 0;
  /** No request of the attempt holds the token. */
  #isConcealed = false;

  constructor(
    private readonly carriage: TokenCarriage,
    private readonly config: RequestConfig,
    private readonly beneath: AdapterConfig,
    url: URL,
  ) {
    this.#journey = carriage.begin();
    this.#progress = watchesProgress(config) ? new TripProgress(config, carriage) : undefined;
    this.#agents = new TripAgents(config, {
      carriage,
      journey: this.#journey,
      mayGoTo: (destination) => this.#mayGoTo(destination),
      watch: this.#progress && ((request) => this.#progress?.holdBackRefusal(request)),
    });
    this.#limit = new TimeLimit(config);
    this.#hop = bytesOfForm(config);
    this.#url = url;
  }

  async run(): Promise<AxiosResponse> {
    this.#journey.carriesTo(this.#url);
    const isAtHand = this.#journey.valueAtHand() !== undefined;
    if (!isAtHand) await this.#limit.wait((signal) => this.#journey.value(signal));
    let answer: AxiosResponse;
    let failure: unknown;
    try {
      answer = await this.#attempt(isAtHand ? undefined : this.#limit.ofWhatIsLeft());
    } catch (error) {
      answer = responseOf(error);
      failure = error;
    }
    if (this.carriage.isRefusal(answer.status) && (await this.#isWorthRetrying(answer.status))) {
      discard(answer.data);
      return this.#attempt(this.#limit.ofWhatIsLeft());
    }
    this.#progress?.release();
    if (failure !== undefined) throw failure;
    return answer;
  }

  #isWorthRetrying(status: number): Promise<boolean> {
    const isReplayable = isReplayableBody(this.#hop.data);
    return this.#limit.wait((signal) => this.#journey.shouldRetry(status, isReplayable, signal));
  }

  /** @param limit - where the time of the request began before */
  async #attempt(limit?: Partial<RequestConfig>): Promise<AxiosResponse> {
    const { header } = this.carriage;
    const hop = this.#hop;
    const headers = headersWithout(header, hop.headers);
    headers[header] = this.carriage.valueOf(this.#journey.token!);
    const sent = copyConfig(hop);
    Object.assign(sent, limit, this.#agents.first(this.#url.protocol));
    sent.adapter = this.beneath;
    sent.headers = headers;
    sent.beforeRedirect = this.#beforeRedirect;
    this.#progress?.watch(sent);
    this.#isConcealed = false;
    try {
      const response = await axios.getAdapter(this.beneath ?? axios.defaults.adapter, sent)(sent);
      response.config = this.config;
      this.#hideIn(response.request);
      // It may fail later on, with an error that shows what was sent.
      if (sent.responseType === 'stream') showAs(sent, this.config);
      return response;
    } catch (error) {
      showConfig(error, sent, this.config);
      if (axios.isAxiosError(error)) this.#hideIn(error.request);
      throw error;
    } finally {
      if (hop.url === this.config.url) this.#showHeaders(headers);
      delete headers[header];
    }
  }

  /** axios' adapter adds to the headers of the configuration, which the program gets to see. */
  #showHeaders(sent: AxiosHeaders): void {
    const shown = this.config.headers;
    const { header } = this.carriage;
    for (const name of Object.keys(shown)) if (!(name in sent) && name.toLowerCase() !== header) delete shown[name];
    for (const name of Object.keys(sent)) if (name !== header) shown[name] = sent[name];
  }

  #hideIn(request: unknown): void {
    if (!this.#isConcealed) hideToken(request, this.#journey.token!);
  }

  /** Asked by the agents, before anything is sent: of each hop, where Node is about to connect to. */
  #mayGoTo({ origin, socketPath }: RequestDestination): boolean {
    this.#isConcealed = true;
    if (socketPath === undefined) return this.carriage.allows(origin);
    // The program's own choice, which holds for what it asked for.
    return socketPath === this.config.socketPath && this.carriage.allows(this.#url);
  }

  /**
   * Looks at each hop anew: follow-redirects takes `Authorization` off across origins, even between listed ones, and leaves every
   * other header on. The program's own function sees no token; a header that it sets is left alone.
   */
  readonly #beforeRedirect: BeforeRedirect = (options, response, request) => {
    const { header } = this.carriage;
    removeHeader(header, options.headers);
    if (request !== undefined) removeHeader(header, request.headers);
    this.config.beforeRedirect?.(options, response, request);
    const isOwn = Object.keys(options.headers).some((name) => name.toLowerCase() === header);
    if (isOwn) this.#journey.leave();
    this.#url = urlOfHop(options);
    this.#redirects++;
    this.#hop = this.#hopTo(options);
    const value = this.#journey.valueAtRedirect(this.#url);
    if (value !== undefined) options.headers[header] = value;
    this.#isConcealed = false;
    this.#agents.useFor(options);
  };

  /** In the way of axios: 0 would have it hand the next redirect to the program, while a negative number is always exceeded. */
  get #redirectsLeft(): number {
    return (this.config.maxRedirects ?? MAX_REDIRECTS) - this.#redirects || -1;
  }

  /** What follow-redirects is about to send to the next hop, as a request of its own. */
  #hopTo({ method, headers, auth, socketPath }: Parameters<BeforeRedirect>[0]): RequestConfig {
    const isSameMethod = method === this.#hop.method?.toUpperCase();
    return {
      ...this.#hop,
      url: this.#url.href,
      baseURL: undefined,
      params: undefined,
      method,
      socketPath,
      maxRedirects: this.#redirectsLeft,
      headers: AxiosHeaders.from(headers),
      auth: credentialsOf(auth),
      // A redirect that makes a GET of another method takes the body off.
      data: isSameMethod ? this.#hop.data : undefined,
    };
  }
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
