import axios, { type AxiosAdapter, type AxiosResponse } from 'axios';
import { isReplayableBody } from '../carry/is-replayable-body.js';
import type { TokenCarriage } from '../carry/token-carriage.js';
import { InvalidOptionError } from '../errors.js';
// The one import between clients: axios' fetch adapter sends with the fetch that it is given, so what it is given carries the token.
import { carryFetch } from '../fetch/carry-fetch.js';
import { HttpTrip } from './http-trip.js';
import {
  type AdapterConfig,
  copyConfig,
  hasHeader,
  type RequestConfig,
  targetOf,
  usesFetch,
} from './request-config.js';
import { showConfig } from './show-config.js';

type Fetch = typeof fetch;

/** axios' fetch adapter takes the `fetch` that it uses from its configuration since 1.12. */
const FETCH_ADAPTER_SINCE = { major: 1, minor: 12 };

/** All adapters that carry a token, of every carrier: by whom, and what they send with. */
const carriedBy = new WeakMap<AxiosAdapter, { readonly carrier: AxiosCarrier; readonly beneath: AdapterConfig }>();

/** Adds the token to the requests of one instance, beneath its interceptors: replaces the adapter of each request. */
export class AxiosCarrier {
  readonly #namedAdapters = new Map<string, AxiosAdapter>();
  /** The names that were looked up last, as they are the same ones for most requests. axios copies the list for each. */
  #lastNames: { readonly names: readonly unknown[]; readonly adapter: AxiosAdapter } | undefined;
  readonly #givenAdapters = new WeakMap<AxiosAdapter, AxiosAdapter>();
  // axios keeps what it makes of each `fetch` for ever, so there must be few.
  readonly #replayingFetches = new WeakMap<Fetch, Fetch>();
  readonly #oneShotFetches = new WeakMap<Fetch, Fetch>();

  constructor(private readonly carriage: TokenCarriage) {}

  /**
   * Makes a request use an adapter that carries the token, and the request's own adapter beneath. The adapter stays in the
   * configuration that the program gets to see, so that whoever sends a request again by its configuration carries the token too:
   * the instance that was wrapped, or `axios` itself.
   */
  wrapAdapter(config: RequestConfig): RequestConfig {
    if (!this.#isCarrying(config.adapter)) config.adapter = this.#adapterOver(config.adapter);
    return config;
  }

  #isCarrying(adapter: AdapterConfig): boolean {
    const known = typeof adapter === 'function' ? carriedBy.get(adapter) : undefined;
    return known !== undefined && (known.carrier === this || this.#isCarrying(known.beneath));
  }

  #adapterOver(beneath: AdapterConfig): AxiosAdapter {
    if (typeof beneath === 'function') {
      const known = this.#givenAdapters.get(beneath) ?? this.#makeAdapter(beneath);
      this.#givenAdapters.set(beneath, known);
      return known;
    }
    const names = beneath ?? axios.defaults.adapter;
    if (!Array.isArray(names)) return this.#named(String(names), beneath);
    if (this.#lastNames && isSameList(this.#lastNames.names, names)) return this.#lastNames.adapter;
    if (names.some((name) => typeof name !== 'string')) return this.#makeAdapter(beneath);
    this.#lastNames = { names: [...names], adapter: this.#named(String(names), beneath) };
    return this.#lastNames.adapter;
  }

  #named(key: string, beneath: AdapterConfig): AxiosAdapter {
    const known = this.#namedAdapters.get(key) ?? this.#makeAdapter(beneath);
    this.#namedAdapters.set(key, known);
    return known;
  }

  #makeAdapter(beneath: AdapterConfig): AxiosAdapter {
    const adapter: AxiosAdapter = (config) => {
      try {
        return this.#carry(config, beneath);
      } catch (error) {
        return Promise.reject(error);
      }
    };
    // A configuration that is logged shows what the program asked for.
    Object.defineProperty(adapter, 'toJSON', { value: () => beneath });
    carriedBy.set(adapter, { carrier: this, beneath });
    return adapter;
  }

  /** No `async` function: each promise more in the way of an answer gives an abort another moment to come before it. */
  #carry(config: RequestConfig, beneath: AdapterConfig): Promise<AxiosResponse> {
    const target = targetOf(config);
    const { carriage } = this;
    if (target === undefined || !carriage.allows(target.origin) || hasHeader(config, carriage.header, target)) {
      config.adapter = beneath;
      return axios.getAdapter(beneath ?? axios.defaults.adapter, config)(config);
    }
    if (usesFetch(config, beneath)) return this.#carryWithFetch(config, beneath);
    return new HttpTrip(carriage, config, beneath, target.url).run();
  }

  #carryWithFetch(config: RequestConfig, beneath: AdapterConfig): Promise<AxiosResponse> {
    assertFetchCanBeGiven();
    const fetch = this.#carrying(config.env?.fetch ?? globalThis.fetch, isReplayableBody(config.data));
    const sent = copyConfig(config, { adapter: beneath, env: { ...config.env, fetch } });
    return axios
      .getAdapter(
        'fetch',
        sent,
      )(sent)
      .then(
        (response) => {
          response.config = config;
          return response;
        },
        (error) => {
          showConfig(error, sent, config);
          throw error;
        },
      );
  }

  /** The adapter makes a `Request` of everything: in it a stream cannot be told from other bodies, and its dispatcher is in the init too. */
  #carrying(fetch: Fetch, isReplayable: boolean): Fetch {
    const fetches = isReplayable ? this.#replayingFetches : this.#oneShotFetches;
    const carrying =
      fetches.get(fetch) ?? carryFetch(fetch, this.carriage, { keepBody: isReplayable, mayHaveDispatcher: false });
    fetches.set(fetch, carrying);
    return carrying;
  }
}

function isSameList(first: readonly unknown[], second: readonly unknown[]): boolean {
  return first.length === second.length && first.every((item, index) => item === second[index]);
}

function assertFetchCanBeGiven(): void {
  const [major = 0, minor = 0] = axios.VERSION.split('.').map(Number);
  const { major: sinceMajor, minor: sinceMinor } = FETCH_ADAPTER_SINCE;
  if (major > sinceMajor || (major === sinceMajor && minor >= sinceMinor)) return;
  throw new InvalidOptionError(
    'adapter',
    `The fetch adapter of axios ${axios.VERSION} takes no custom fetch, so it cannot carry the token. ` +
      `Use the http adapter, or axios ${sinceMajor}.${sinceMinor} and later.`,
  );
}
