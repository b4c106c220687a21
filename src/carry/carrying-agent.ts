import type { Agent, ClientRequest } from 'node:http';
import { type AgentOptions, agentInFront } from './agent-in-front.js';
import { concealHeader, removeHeader } from './conceal-header.js';
import { destinationOf, type RequestDestination } from './request-destination.js';
import type { TokenCarriage, TokenJourney } from './token-carriage.js';

/** A request as it is sent to one origin. */
export interface Hop {
  readonly url: string;
  readonly method: string | undefined;
  /** Of its headers, in lower case. */
  readonly names: readonly string[];
}

/** One request on its way through Node's HTTP, with all its hops. */
export interface AgentJourney {
  readonly carriage: TokenCarriage;
  /** Has the token, unless the first hop goes without. */
  readonly journey: TokenJourney;
  /** Whether the token may go there. Default: to the allowed origins, and to no Unix socket. */
  readonly mayGoTo?: (destination: RequestDestination) => boolean;
  /** Gets each request that carries the token, before it is sent. */
  readonly watch?: ((request: ClientRequest) => void) | undefined;
  /** Gets each hop that carries the token. */
  readonly pass?: (hop: Hop) => void;
}

/**
 * Returns an agent that puts the token on each request which goes where the token may go, and takes it off every other one. It
 * decides by where Node is about to connect to, and no request holds the token, see {@link concealHeader}.
 *
 * @param agent - sends the requests
 */
export function carryingAgent(agent: Agent, trip: AgentJourney): Agent {
  return agentInFront(agent, (request, options) => carry(request, options, trip));
}

function carry(
  request: ClientRequest,
  options: AgentOptions,
  { carriage, journey, mayGoTo, watch, pass }: AgentJourney,
): void {
  const { header: name } = carriage;
  const { token } = journey;
  if (token === undefined) return;
  const header = carriage.headerOf(token);
  const given = request.getHeader(name);
  // One of the program's own, which is left alone.
  if (given !== undefined && given !== header.value) {
    journey.leave();
    return;
  }
  const destination = destinationOf(request, options);
  const { origin, isProxied } = destination;
  const isAllowed = mayGoTo?.(destination) ?? (!destination.socketPath && carriage.allows(origin));
  if (!journey.carriesIf(isAllowed)) {
    if (given !== undefined) removeHeader(request, header, options.headers);
    return;
  }
  if (isProxied) carriage.assertMayPassProxy(origin);
  concealHeader(request, header, options.headers);
  watch?.(request);
  pass?.({
    // A proxy is told the whole URL in the place of the path.
    url: isProxied ? request.path : origin + request.path,
    method: request.method,
    names: request.getHeaderNames(),
  });
}
