import type { TokenCarriage } from '../carry/token-carriage.js';
import { carryByHand } from './carry-by-hand.js';
import type { CarryFetchOptions } from './carry-fetch-options.js';
import { carryThroughDispatcher } from './carry-through-dispatcher.js';
import { isNodeFetch } from './is-node-fetch.js';
import type { Fetch } from './outgoing-request.js';

/** Returns a fetch that carries the token: through the dispatcher for Node's own, by hand for any other function. */
export function carryFetch(
  fetch: Fetch,
  carriage: TokenCarriage,
  options: CarryFetchOptions = { keepBody: true, mayHaveDispatcher: true },
): Fetch {
  const byHand = carryByHand(fetch, carriage, options);
  const carrying = isNodeFetch(fetch) ? carryThroughDispatcher(fetch, carriage, options, byHand) : byHand;
  return Object.defineProperties(carrying, {
    name: { value: fetch.name, configurable: true },
    length: { value: fetch.length, configurable: true },
  });
}
