import type { Agent } from 'node:http';
import { type AgentJourney, carryingAgent } from '../carry/carrying-agent.js';
import { carryingDispatcher, type Dispatcher } from './carrying-dispatcher.js';

/**
 * A request of `@kubernetes/client-node`: sent by an agent of Node up to version 1, by a dispatcher of undici since version 2.
 */
export interface ApiRequest {
  getAgent?(): Agent | undefined;
  setAgent?(agent: Agent): void;
  getDispatcher?(): Dispatcher | undefined;
  setDispatcher?(dispatcher: Dispatcher): void;
}

/** Makes a request carry the token at each hop to an allowed origin. The request object never holds the token. */
export function carryApiRequest(request: ApiRequest, journey: AgentJourney): void {
  const agent = request.getAgent?.();
  if (agent !== undefined) request.setAgent?.(carryingAgent(agent, journey));
  request.setDispatcher?.(carryingDispatcher(request.getDispatcher?.(), journey));
}
