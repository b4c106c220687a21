import type { Agent } from 'node:http';
import { type AgentJourney, carryingAgent } from '../carry/carrying-agent.js';
import { carryingDispatcher, type Dispatcher } from './carrying-dispatcher.js';

/**
 * A request of the client, as far as what sends it: an agent of Node up to version 1 of `@kubernetes/client-node`, a dispatcher of
 * undici since version 2.
 */
export interface ApiRequest {
  getAgent?(): Agent | undefined;
  setAgent?(agent: Agent): void;
  getDispatcher?(): Dispatcher | undefined;
  setDispatcher?(dispatcher: Dispatcher): void;
}

/** Has a request carry the token at each hop that goes where the token may go. The request itself never holds it. */
export function carryApiRequest(request: object, journey: AgentJourney): void {
  const { getAgent, setAgent, getDispatcher, setDispatcher } = request as ApiRequest;
  const agent = getAgent?.call(request);
  if (agent !== undefined) setAgent?.call(request, carryingAgent(agent, journey));
  setDispatcher?.call(request, carryingDispatcher(getDispatcher?.call(request), journey));
}
