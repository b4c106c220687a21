import { BEARER_CARRIER, type TokenSource } from '../token-source.js';
import { AllowedOrigins } from './allowed-origins.js';

/** Options of every `withToken`. */
export interface WithTokenOptions {
  /**
   * Origins that may get the token, each `scheme://host:port`. A request to any other, at every hop of a redirect, goes without
   * it. An origin of `http:` sends the token in clear text; other than on loopback, that happens only if it is listed here.
   *
   * @default the origin of the client's base URL, where the client has one
   */
  readonly origins?: readonly (string | URL)[];
  /**
   * Statuses by which a server says that it does not accept the token: the source is asked for another one, and the request sent
   * once more.
   *
   * @default what the source's carrier says, or [401]
   */
  readonly refusedStatuses?: readonly number[];
}

/** 401 Unauthorized: the credentials were not accepted (RFC 9110 section 15.5.2). */
const REFUSED_STATUSES: readonly number[] = [401];

/**
 * The one policy of all clients: which requests carry the token, how, and what happens when it is refused. Holds for as long as
 * the client; {@link TokenCarriage.begin} makes what one request needs.
 */
export class TokenCarriage {
  /** Name of the header, in lower case. */
  readonly header: string;
  readonly #scheme: string | undefined;
  readonly #origins: AllowedOrigins;
  readonly #refusedStatuses: readonly number[];

  constructor(
    readonly source: TokenSource,
    options: WithTokenOptions,
    baseUrl?: string,
  ) {
    const { header, scheme, refusedStatuses } = source.carrier ?? BEARER_CARRIER;
    this.header = header.toLowerCase();
    this.#scheme = scheme;
    this.#origins = new AllowedOrigins(options.origins, baseUrl);
    this.#refusedStatuses = options.refusedStatuses ?? refusedStatuses ?? REFUSED_STATUSES;
  }

  /** Whether the token may go to this URL. */
  allows(url: URL): boolean {
    return this.#origins.has(url);
  }

  isRefusal(status: number): boolean {
    return this.#refusedStatuses.includes(status);
  }

  /** The header's value for a token. */
  valueOf(token: string): string {
    return this.#scheme === undefined ? token : `${this.#scheme} ${token}`;
  }

  /** For one request with its redirects and its retry. */
  begin(): TokenJourney {
    return new TokenJourney(this);
  }
}

/** One request on its way: hop by hop, and once more if the token was refused. */
export class TokenJourney {
  #token: string | undefined;
  #hasLeft = false;
  #isCarrying = false;
  #hasRetried = false;

  constructor(private readonly carriage: TokenCarriage) {}

  /** The token in use; undefined before the first hop that may carry it. */
  get token(): string | undefined {
    return this.#token;
  }

  /**
   * Whether the hop to this URL carries the token. Once a chain has passed an origin that was not listed, no later hop does: an
   * open redirect elsewhere must not be able to steer a request that carries it.
   */
  carriesTo(url: URL): boolean {
    if (!this.carriage.allows(url)) this.#hasLeft = true;
    this.#isCarrying = !this.#hasLeft;
    return this.#isCarrying;
  }

  /** The header's value for the hop to this URL; undefined when it goes without. Rejects as `getToken` does. */
  async valueFor(url: URL, signal?: AbortSignal): Promise<string | undefined> {
    if (!this.carriesTo(url)) return undefined;
    this.#token ??= await this.carriage.source.getToken({ signal });
    return this.carriage.valueOf(this.#token);
  }

  /** The same for a hop after the first, where the client does not wait. */
  valueAtRedirect(url: URL): string | undefined {
    return this.carriesTo(url) && this.#token !== undefined ? this.carriage.valueOf(this.#token) : undefined;
  }

  /**
   * Whether to send the request once more, now with another token: the answer to the last hop was a refusal of the token that it
   * carried, this has not happened before, the body can be sent again, and the source has another token.
   */
  async shouldRetry(status: number, canSendAgain: boolean, signal?: AbortSignal): Promise<boolean> {
    const refused = this.#token;
    if (this.#hasRetried || !canSendAgain || !this.#isCarrying || refused === undefined) return false;
    if (!this.carriage.isRefusal(status)) return false;
    this.#hasRetried = true;
    const replacement = await this.carriage.source.replaceToken(refused, { signal });
    if (replacement === undefined || replacement === refused) return false;
    this.#token = replacement;
    return true;
  }
}
