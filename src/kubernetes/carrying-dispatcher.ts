import type { AgentJourney } from '../carry/carrying-agent.js';

type Headers = Record<string, unknown> | readonly unknown[] | null | undefined;

/** A request as fetch hands it to a dispatcher. */
interface DispatchOptions {
  readonly origin?: string | URL | null;
  readonly path: string;
  readonly method: string;
  readonly headers?: Headers;
}

/** A dispatcher of undici, as far as fetch and this library use it. */
export interface Dispatcher {
  dispatch(options: DispatchOptions, handler: unknown): boolean;
  destroy(): Promise<void>;
}

/** Where undici keeps the global dispatcher: since version 8, and before. */
const GLOBAL_DISPATCHERS = ['undici.globalDispatcher.2', 'undici.globalDispatcher.1'].map((name) => Symbol.for(name));

/**
 * Returns a dispatcher that adds the token to each request of fetch to an allowed origin. fetch dispatches every hop of a redirect.
 *
 * @param dispatcher - sends the requests; default the global dispatcher
 */
export function carryingDispatcher(dispatcher: Dispatcher | undefined, trip: AgentJourney): Dispatcher {
  const given = dispatcher ?? globalDispatcher();
  const front: Dispatcher = Object.create(given);
  front.dispatch = (options, handler) => given.dispatch(carried(options, trip), handler);
  return front;
}

function carried(options: DispatchOptions, { carriage, journey, pass }: AgentJourney): DispatchOptions {
  const { header } = carriage;
  const { token } = journey;
  if (token === undefined) return options;
  const names = namesOf(options.headers);
  if (names.includes(header)) {
    journey.leave();
    return options;
  }
  if (!journey.carriesIf(carriage.allows(String(options.origin)))) return options;
  pass?.({ url: `${options.origin}${options.path}`, method: options.method, names });
  const value = carriage.valueOf(token);
  return {
    ...options,
    headers: Array.isArray(options.headers)
      ? [...options.headers, header, value]
      : { ...options.headers, [header]: value },
  };
}

/** In lower case. undici takes an object, or a list of names and values in turn. */
function namesOf(headers: Headers): string[] {
  const names = Array.isArray(headers) ? headers.filter((_, index) => index % 2 === 0) : Object.keys(headers ?? {});
  return names.map((name) => String(name).toLowerCase());
}

function globalDispatcher(): Dispatcher {
  const known = globalThis as unknown as Record<symbol, Dispatcher | undefined>;
  return GLOBAL_DISPATCHERS.map((key) => known[key]).find((dispatcher) => dispatcher !== undefined)!;
}
