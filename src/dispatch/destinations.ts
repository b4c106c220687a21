import type { Dispatcher } from 'undici';
import type { TokenCarriage } from '../carry/token-carriage.js';
import { hasTag } from '../internal/has-tag.js';

/**
 * Tells whether all origins that a request of a dispatcher may end up at may get the token. A `Client` or a pool connects to its own
 * whatever the request says, so what the request says is not enough. Paths say nothing: one such as `//other.internal/` is no host.
 */
export class Destinations {
  /** That of a `Client` or a `Pool`, which never changes. */
  readonly #own: string | undefined;

  constructor(
    private readonly carriage: TokenCarriage,
    private readonly dispatcher: Dispatcher,
  ) {
    this.#own = ownOriginOf(dispatcher);
  }

  /** Also `false` where nothing tells where a request goes. */
  areAllowed({ origin }: Dispatcher.DispatchOptions): boolean {
    const { upstreams } = this.dispatcher as { upstreams?: unknown };
    const isBound = this.#own !== undefined || Array.isArray(upstreams);
    if (this.#own !== undefined && !this.carriage.allows(this.#own)) return false;
    if (Array.isArray(upstreams) && !upstreams.every((upstream) => this.carriage.allows(String(upstream))))
      return false;
    return origin ? this.carriage.allows(String(origin)) : isBound;
  }
}

/** undici keeps the origin of a Client, and of a Pool, under a symbol. */
function ownOriginOf(dispatcher: Dispatcher): string | undefined {
  const key = Object.getOwnPropertySymbols(dispatcher).find(({ description }) => description === 'url');
  const url: unknown = key && Reflect.get(dispatcher, key);
  return hasTag(url, 'URL') ? (url as URL).origin : undefined;
}
