import axios, { type AxiosAdapter, type AxiosResponse } from 'axios';
import { isReplayableBody } from '../carry/is-replayable-body.js';
import type { TokenCarriage } from '../carry/token-carriage.js';
import { InvalidOptionError } from '../errors.js';
// The one import between clients: axios' fetch adapter sends with the fetch that it is given, so what it is given carries the token.
import { carryFetch } from '../fetch/carry-fetch.js';
import { HttpTrip } from './http-trip.js';
import { hasHeader, type RequestConfig, urlOf, usesFetch } from './request-config.js';
import { type Send, sendShowing } from './sent-request.js';

type Fetch = typeof fetch;

/** axios' fetch adapter takes the `fetch` that it uses from its configuration since 1.12. */
const FETCH_ADAPTER_SINCE = { major: 1, minor: 12 };

/** Puts the token on the requests of one instance, beneath its interceptors: in place of the adapter of each request. */
export class AxiosCarrier {
  readonly #adapters = new WeakSet<AxiosAdapter>();
  // axios keeps what it makes of each `fetch` for ever, so there must be few.
  readonly #replayingFetches = new WeakMap<Fetch, Fetch>();
  readonly #oneShotFetches = new WeakMap<Fetch, Fetch>();

  constructor(private readonly carriage: TokenCarriage) {}

  /** Makes a request use an adapter that carries the token, and the request's own adapter underneath. */
  wrapAdapter(config: RequestConfig): RequestConfig {
    const given = config.adapter;
    // A request that is sent again, by a retrying interceptor for instance, may bring the adapter of its first time along.
    if (typeof given === 'function' && this.#adapters.has(given)) return config;
    const adapter: AxiosAdapter = (sent) => {
      // What the program gets to see of the request is what it asked for.
      sent.adapter = given;
      return this.#carry(sent, (attempt) => axios.getAdapter(given ?? axios.defaults.adapter, attempt)(attempt));
    };
    this.#adapters.add(adapter);
    return { ...config, adapter };
  }

  async #carry(config: RequestConfig, send: Send): Promise<AxiosResponse> {
    const url = urlOf(config);
    const isOurs = url !== undefined && this.carriage.allows(url) && !hasHeader(config, this.carriage.header, url);
    if (!isOurs) return send(config);
    if (usesFetch(config)) return this.#carryWithFetch(config);
    return new HttpTrip(this.carriage, config, url, send).run();
  }

  async #carryWithFetch(config: RequestConfig): Promise<AxiosResponse> {
    assertFetchCanBeGiven();
    const fetch = this.#carrying(config.env?.fetch ?? globalThis.fetch, isReplayableBody(config.data));
    const sent = { ...config, env: { ...config.env, fetch } };
    return sendShowing(config, sent, axios.getAdapter('fetch', sent));
  }

  /** The adapter makes a `Request` of everything, in which a stream cannot be told from other bodies. */
  #carrying(fetch: Fetch, isReplayable: boolean): Fetch {
    const fetches = isReplayable ? this.#replayingFetches : this.#oneShotFetches;
    const carrying = fetches.get(fetch) ?? carryFetch(fetch, this.carriage, { keepBody: isReplayable });
    fetches.set(fetch, carrying);
    return carrying;
  }
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
