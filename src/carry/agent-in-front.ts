import type { Agent, ClientRequest, OutgoingHttpHeaders } from 'node:http';
import type { ConnectOptions } from './request-destination.js';

/** What Node hands to an agent beside the request. */
export type AgentOptions = ConnectOptions & { headers?: OutgoingHttpHeaders | readonly string[] | null };

type AddRequest = (request: ClientRequest, options: AgentOptions, ...rest: unknown[]) => void;

/**
 * Returns an agent that shows each request to a function before the given agent gets it: in the turn in which the request is made,
 * with all its headers, and with where it is about to connect to. Every hop of a redirect comes by. The given agent stays as it is,
 * and the request is its own.
 *
 * @param look - what it throws is thrown where the request is made
 */
export function agentInFront(agent: Agent, look: (request: ClientRequest, options: AgentOptions) => void): Agent {
  const front = Object.create(agent) as Agent & { addRequest: AddRequest };
  front.addRequest = (request, options, ...rest) => {
    (request as { agent?: Agent }).agent = agent;
    look(request, options);
    (agent as typeof front).addRequest(request, options, ...rest);
  };
  return front;
}
