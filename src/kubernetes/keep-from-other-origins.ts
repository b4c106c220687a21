import type { ClientRequest } from 'node:http';
import type { TokenJourney } from '../carry/token-carriage.js';

/**
 * Takes the token from what an agent is about to send elsewhere. A client that follows redirects by itself, as node-fetch does, keeps
 * the header for another port of the same host, and for a parent domain; the agent sees every hop.
 *
 * @param agent - made for this request alone, as `@kubernetes/client-node` does it
 */
export function keepFromOtherOrigins(agent: unknown, journey: TokenJourney): void {
  const { addRequest } = agent as { addRequest(request: ClientRequest, ...rest: unknown[]): void };
  Object.assign(agent as object, {
    addRequest(request: ClientRequest, ...rest: unknown[]) {
      if (!journey.carriesTo(destinationOf(request))) request.removeHeader('Authorization');
      Reflect.apply(addRequest, agent, [request, ...rest]);
    },
  });
}

function destinationOf(request: ClientRequest): URL {
  return new URL(`${request.protocol}//${request.getHeader('host')}`);
}
