import axios, { AxiosHeaders, type AxiosResponse } from 'axios';
import { hideToken } from '../carry/hide-token.js';
import { isReplayableBody } from '../carry/is-replayable-body.js';
import type { RequestDestination } from '../carry/request-destination.js';
import type { TokenCarriage, TokenJourney } from '../carry/token-carriage.js';
import { waitWithBody } from '../carry/wait-with-body.js';
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

/** Headers that axios' http adapter adds, unless they are `false`. */
const ADDED_BY_AXIOS = ['User-Agent', 'Accept-Encoding'];

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

  /** @throws what the adapter beneath throws, and the token source */
  async run(): Promise<AxiosResponse> {
    this.#journey.carriesIf(true);
    const isAtHand = this.#journey.valueAtHand() !== undefined;
    if (!isAtHand) await this.#waitForToken();
    const sent = this.#prepare(isAtHand ? undefined : this.#limit.ofWhatIsLeft());
    let answer: AxiosResponse;
    let failure: unknown;
    try {
      // Awaited here and nowhere else: each promise more in the way of an answer takes time.
      answer = this.#answered(await this.#send(sent), sent);
    } catch (error) {
      this.#failed(error, sent);
      const refused = responseOf(error);
      if (refused === undefined) {
        this.#progress?.release();
        throw error;
      }
      answer = refused;
      failure = error;
    }
    if (this.carriage.isRefusal(answer.status) && (await this.#isWorthRetrying(answer.status))) {
      discard(answer.data);
      return this.#retry();
    }
    this.#progress?.release();
    if (failure !== undefined) throw failure;
    return answer;
  }

  #waitForToken(): Promise<string> {
    const toError = (failure: Error) => errorOfBody(failure, this.config);
    return this.#limit.wait((signal) =>
      waitWithBody((ending) => this.#journey.value(ending), { body: this.config.data, signal, toError }),
    );
  }

  async #retry(): Promise<AxiosResponse> {
    const sent = this.#prepare(this.#limit.ofWhatIsLeft());
    try {
      return this.#answered(await this.#send(sent), sent);
    } catch (error) {
      this.#failed(error, sent);
      throw error;
    } finally {
      this.#progress?.release();
    }
  }

  #isWorthRetrying(status: number): Promise<boolean> {
    const isReplayable = isReplayableBody(this.#hop.data);
    return this.#limit.wait((signal) => this.#journey.shouldRetry(status, isReplayable, signal));
  }

  /**
   * Returns what to send to the hop that was reached.
   *
   * @param limit - where the time of the request began before
   */
  #prepare(limit?: Partial<RequestConfig>): RequestConfig {
    const { header } = this.carriage;
    const headers = headersWithout(header, this.#hop.headers);
    headers[header] = this.carriage.valueOf(this.#journey.token!);
    const agents = this.#agents.first(this.#url.protocol);
    const changes = { adapter: this.beneath, headers, beforeRedirect: this.#beforeRedirect };
    const sent = copyConfig(this.#hop, limit, agents, changes);
    this.#progress?.watch(sent);
    this.#isConcealed = false;
    return sent;
  }

  #send(sent: RequestConfig): Promise<AxiosResponse> {
    return axios.getAdapter(this.beneath ?? axios.defaults.adapter, sent)(sent);
  }

  #answered(response: AxiosResponse, sent: RequestConfig): AxiosResponse {
    response.config = this.config;
    this.#hideIn(response.request);
    this.#showHeaders(sent);
    // It may fail later on, with an error that shows what was sent.
    if (sent.responseType === 'stream') showAs(sent, this.config);
    return response;
  }

  #failed(error: unknown, sent: RequestConfig): void {
    this.#showHeaders(sent);
    showConfig(error, sent, this.config);
    if (axios.isAxiosError(error)) this.#hideIn(error.request);
  }

  /** axios' adapter adds to the headers of the configuration, which the program gets to see; the token in them it does not. */
  #showHeaders({ url, headers: sent }: RequestConfig): void {
    const { header } = this.carriage;
    // Replaced, not deleted: V8 reads an object more slowly once a property of it was deleted.
    sent[header] = this.carriage.headerOf(this.#journey.token!).shown;
    if (url !== this.config.url) return;
    const shown = this.config.headers;
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
      headers: headersOfHop(headers),
      auth: credentialsOf(auth),
      // A redirect that makes a GET of another method takes the body off.
      data: isSameMethod ? this.#hop.data : undefined,
    };
  }
}

/** The headers of a hop as they are: without those that axios adds by itself, where the program left them out. */
function headersOfHop(headers: Record<string, string>): AxiosHeaders {
  const kept = AxiosHeaders.from(headers);
  for (const name of ADDED_BY_AXIOS) if (!kept.has(name)) kept.set(name, false);
  return kept;
}

/** Basic credentials, which Node's options hold as `user:password`. */
function credentialsOf(auth: string | undefined): RequestConfig['auth'] {
  if (auth === undefined) return undefined;
  const [username = '', ...password] = auth.split(':');
  return { username, password: password.join(':') };
}

/** As axios' http adapter makes it of a stream that fails, or is closed before its end. */
function errorOfBody(failure: Error & { code?: string }, config: RequestConfig): Error {
  if (failure.code !== 'ERR_STREAM_PREMATURE_CLOSE') return axios.AxiosError.from(failure, undefined, config);
  return new axios.CanceledError('Request stream has been aborted', config);
}

/** The response in what an adapter rejects with, if there is one: a status outside of `validateStatus`. */
function responseOf(error: unknown): AxiosResponse | undefined {
  return axios.isAxiosError(error) ? error.response : undefined;
}

/** Ends a response that nobody reads, so that its socket can be used again. */
function discard(data: unknown): void {
  const stream = data as { destroy?(): void } | null | undefined;
  if (typeof stream?.destroy === 'function') stream.destroy();
}
