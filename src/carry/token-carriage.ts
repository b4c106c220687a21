import { InvalidOptionError } from '../errors.js';
import type { TokenSource } from '../token-source.js';
import { AllowedOrigins } from './allowed-origins.js';
import type { SecretHeader } from './secret-header.js';
import { abortReasonOf, settleWithSignal } from './settle-with-signal.js';
import { TokenHeader } from './token-header.js';

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
   * Statuses from 400 to 599 by which a server says that it does not accept the token: the source is asked for another one, and the
   * request sent once more.
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
  readonly #header: TokenHeader;
  readonly #origins: AllowedOrigins;
  readonly #refusedStatuses: readonly number[];

  /**
   * @param baseUrl - base URL of the client, where it has one
   * @throws `ERR_TOKEN_OPTION`, `ERR_TOKEN_ORIGIN`
   */
  constructor(
    readonly source: TokenSource,
    options: WithTokenOptions,
    baseUrl?: string,
  ) {
    this.#header = new TokenHeader(source);
    this.#origins = new AllowedOrigins(options.origins, baseUrl);
    this.#refusedStatuses = errorStatuses(
      options.refusedStatuses ?? source.carrier?.refusedStatuses ?? REFUSED_STATUSES,
    );
  }

  /** Name of the header, in lower case. */
  get header(): string {
    return this.#header.name;
  }

  /** Whether the token may go to this URL; of a text, to the origin that it names. */
  allows(url: URL | string): boolean {
    return this.#origins.has(url);
  }

  /** @throws `ERR_TOKEN_ORIGIN` when a proxy that reads the request must not get the token for this origin */
  assertMayPassProxy(origin: string): void {
    this.#origins.assertMayPassProxy(origin);
  }

  isRefusal(status: number): boolean {
    return this.#refusedStatuses.includes(status);
  }

  /**
   * The header's value for a token.
   *
   * @throws `ERR_TOKEN_MALFORMED` when no header can carry it
   */
  valueOf(token: string): string {
    return this.#header.of(token).value;
  }

  /** The same with its name, and with what is shown of it. */
  headerOf(token: string): SecretHeader {
    return this.#header.of(token);
  }

  /** For one request with its redirects and its retry. */
  begin(): TokenJourney {
    return new TokenJourney(this);
  }
}

function errorStatuses(statuses: readonly number[]): readonly number[] {
  const isError = (status: unknown) => Number.isInteger(status) && Number(status) >= 400 && Number(status) <= 599;
  if (!Array.isArray(statuses) || !statuses.every(isError)) {
    throw new InvalidOptionError(
      'refusedStatuses',
      'The option "refusedStatuses" must be a list of numbers from 400 to 599.',
    );
  }
  return [...statuses];
}

/** One request on its way: hop by hop, and once more if the token was refused. */
export class TokenJourney {
  #token: string | undefined;
  #hasLeft = false;
  #isCarrying = false;
  #hasAsked = false;
  #failure: unknown;

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
    return this.carriesIf(this.carriage.allows(url));
  }

  /** The same for a client that looked itself whether the token may go to where the hop leads. */
  carriesIf(isAllowed: boolean): boolean {
    if (!isAllowed) this.leave();
    this.#isCarrying = !this.#hasLeft;
    return this.#isCarrying;
  }

  /** This hop and all later ones go without the token. */
  leave(): void {
    this.#hasLeft = true;
    this.#isCarrying = false;
  }

  /**
   * The header's value for the hop to this URL; undefined when it goes without.
   *
   * @throws what the source throws; the signal's reason when it aborts first
   */
  async valueFor(url: URL, signal?: AbortSignal): Promise<string | undefined> {
    return this.carriesTo(url) ? this.value(signal) : undefined;
  }

  /**
   * Returns the header's value for a hop that carries the token, if the token is at hand: the request can be sent in the turn in
   * which it was made, as the client without the token does. `undefined` if the token has to be waited for, see {@link value}.
   *
   * @throws `ERR_TOKEN_MALFORMED`
   */
  valueAtHand(): string | undefined {
    try {
      this.#token ??= this.carriage.source.peekToken?.();
      return this.#token === undefined ? undefined : this.carriage.valueOf(this.#token);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  /**
   * Resolves with the header's value for a hop that carries the token.
   *
   * @throws what the source throws; the signal's reason when it aborts first
   */
  async value(signal?: AbortSignal): Promise<string> {
    try {
      this.#token ??= await settleWithSignal(this.carriage.source.getToken({ signal }), signal);
      return this.carriage.valueOf(this.#token);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  /** What the source threw, where that is why there was no token. */
  get failure(): unknown {
    return this.#failure;
  }

  /** The same for a hop after the first, where the client does not wait. */
  valueAtRedirect(url: URL): string | undefined {
    return this.carriesTo(url) && this.#token !== undefined ? this.carriage.valueOf(this.#token) : undefined;
  }

  /**
   * Whether to send the request once more, now with another token: the answer to the last hop was a refusal of the token that it
   * carried, this has not happened before, the body can be sent again, and the source has another token.
   *
   * The source is told of the refusal even if the body cannot be sent again. If it fails then, the server's refusal is what the
   * caller should get to see.
   *
   * @throws the signal's reason when it aborts first
   */
  async shouldRetry(status: number, canSendAgain: boolean, signal?: AbortSignal): Promise<boolean> {
    const refused = this.#token;
    if (this.#hasAsked || !this.#isCarrying || refused === undefined || !this.carriage.isRefusal(status)) return false;
    this.#hasAsked = true;
    try {
      const replacement = await settleWithSignal(this.carriage.source.replaceToken(refused, { signal }), signal);
      if (!canSendAgain || replacement === undefined || replacement === refused) return false;
      this.carriage.valueOf(replacement);
      this.#token = replacement;
      return true;
    } catch {
      if (signal?.aborted) throw abortReasonOf(signal);
      return false;
    }
  }
}
