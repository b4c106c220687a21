import axios, { type AxiosAdapter, AxiosHeaders, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import { hideToken } from '../carry/hide-token.js';
import { isReplayableBody } from '../carry/is-replayable-body.js';
import type { TokenCarriage, TokenJourney } from '../carry/token-carriage.js';
import { InvalidOptionError } from '../errors.js';
import { carryFetch } from '../fetch/carry-fetch.js';

type Config = InternalAxiosRequestConfig & { env?: { fetch?: typeof fetch } };
type Send = (config: Config) => Promise<AxiosResponse>;

/** axios' fetch adapter takes the `fetch` that it uses from its configuration since 1.12. */
const FETCH_ADAPTER_SINCE = { major: 1, minor: 12 };

/** Puts the token on the requests of one instance, beneath its interceptors: in place of the adapter of each request. */
export class AxiosCarrier {
  readonly #adapters = new WeakSet<AxiosAdapter>();
  // axios keeps what it makes of each `fetch` for ever, so there must be few.
  readonly #fetches = new WeakMap<typeof fetch, typeof fetch>();

  constructor(private readonly carriage: TokenCarriage) {}

  /** Makes a request use an adapter that carries the token, and the request's own adapter underneath. */
  wrapAdapter(config: Config): Config {
    const given = config.adapter;
    // A request that is sent again, by a retrying interceptor for instance, may bring the adapter of its first time along.
    if (typeof given === 'function' && this.#adapters.has(given)) return config;
    const adapter: AxiosAdapter = (sent) => {
      // What the program gets to see of the request is what it asked for.
      sent.adapter = given;
      return this.#carry(sent, (attempt) => axios.getAdapter(given, attempt)(attempt));
    };
    this.#adapters.add(adapter);
    return { ...config, adapter };
  }

  async #carry(config: Config, send: Send): Promise<AxiosResponse> {
    const url = urlOf(config);
    const isOurs = url !== undefined && this.carriage.allows(url) && !config.headers.has(this.carriage.header);
    if (!isOurs) return send(config);
    if (usesFetch(config)) return this.#carryWithFetch(config, send);
    return this.#carryWithHttp(config, url, send);
  }

  async #carryWithFetch(config: Config, send: Send): Promise<AxiosResponse> {
    assertFetchCanBeGiven();
    const platformFetch = config.env?.fetch ?? globalThis.fetch;
    const carrying = this.#fetches.get(platformFetch) ?? carryFetch(platformFetch, this.carriage);
    this.#fetches.set(platformFetch, carrying);
    const sent = { ...config, env: { ...config.env, fetch: carrying } };
    return showing(config, undefined, send(sent));
  }

  async #carryWithHttp(config: Config, url: URL, send: Send): Promise<AxiosResponse> {
    const signal = signalOf(config);
    const journey = this.carriage.begin();
    const isReplayable = isReplayableBody(config.data);
    const attempt = async () => {
      const value = await orCanceled(config, signal, journey.valueFor(url, signal));
      const headers = AxiosHeaders.concat(config.headers, { [this.carriage.header]: value ?? null });
      const sent: Config = { ...config, headers, beforeRedirect: this.#redirector(config, journey) };
      const token = journey.token;
      return showing(config, token, send(sent));
    };
    try {
      const response = await attempt();
      // An adapter of the program's own may leave the status to the caller.
      if (!(await orCanceled(config, signal, journey.shouldRetry(response.status, isReplayable, signal))))
        return response;
      discard(response.data);
    } catch (error) {
      const response = axios.isAxiosError(error) ? error.response : undefined;
      if (response === undefined) throw error;
      if (!(await orCanceled(config, signal, journey.shouldRetry(response.status, isReplayable, signal)))) throw error;
      discard(response.data);
    }
    return attempt();
  }

  /**
   * Looks at each hop anew: follow-redirects takes `Authorization` off across origins, even between listed ones, and leaves every
   * other header on.
   */
  #redirector(config: Config, journey: TokenJourney): Config['beforeRedirect'] {
    return (options, ...details) => {
      config.beforeRedirect?.(options, ...details);
      const headers: Record<string, unknown> = options.headers ?? {};
      for (const name of Object.keys(headers)) {
        if (name.toLowerCase() === this.carriage.header) delete headers[name];
      }
      const value = journey.valueAtRedirect(new URL(options.href));
      if (value !== undefined) headers[this.carriage.header] = value;
      options.headers = headers as typeof options.headers;
    };
  }
}

function urlOf({ baseURL, url, allowAbsoluteUrls }: Config): URL | undefined {
  const target = axios.getUri({ baseURL, url, allowAbsoluteUrls });
  return URL.canParse(target) ? new URL(target) : undefined;
}

function usesFetch({ adapter }: Config): boolean {
  // Of several names axios takes the first that the platform has: on Node `http` before `fetch`, and no `xhr`.
  return [adapter].flat().filter((name) => name !== 'xhr')[0] === 'fetch';
}

function assertFetchCanBeGiven(): void {
  const [major = 0, minor = 0] = axios.VERSION.split('.').map(Number);
  const { major: sinceMajor, minor: sinceMinor } = FETCH_ADAPTER_SINCE;
  if (major > sinceMajor || (major === sinceMajor && minor >= sinceMinor)) return;
  throw new InvalidOptionError(
    'adapter',
    `The fetch adapter of axios ${axios.VERSION} cannot be given a fetch that carries the token. ` +
      `Use its http adapter, or axios ${sinceMajor}.${sinceMinor} and later.`,
  );
}

/** The caller's signal, of either kind. */
function signalOf({ signal, cancelToken }: Config): AbortSignal | undefined {
  if (signal instanceof AbortSignal) return signal;
  const ofToken = cancelToken as { toAbortSignal?(): AbortSignal } | undefined;
  return ofToken?.toAbortSignal?.();
}

/** While the token is awaited, an abort is what axios makes of one. */
async function orCanceled<T>(config: Config, signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (signal?.aborted) throw new axios.CanceledError(undefined, config);
    throw error;
  }
}

/** Shows the program its own configuration, and hides the token from what it gets to see of the request. */
async function showing(
  config: Config,
  token: string | undefined,
  answer: Promise<AxiosResponse>,
): Promise<AxiosResponse> {
  try {
    const response = await answer;
    response.config = config;
    if (token !== undefined) hideToken(response.request, token);
    return response;
  } catch (error) {
    if (axios.isAxiosError(error)) {
      error.config = config;
      if (error.response !== undefined) error.response.config = config;
      if (token !== undefined) hideToken(error.request, token);
    }
    throw error;
  }
}

/** Ends a response that nobody reads, so that its socket can be used again. */
function discard(data: unknown): void {
  const stream = data as { destroy?(): void } | null | undefined;
  if (typeof stream?.destroy === 'function') stream.destroy();
}
