import { type Agent, globalAgent as httpAgent } from 'node:http';
import { globalAgent as httpsAgent } from 'node:https';
import { type AgentJourney, carryingAgent } from '../carry/carrying-agent.js';
import type { RequestConfig } from './request-config.js';

const GLOBAL_AGENTS = { 'http:': httpAgent, 'https:': httpsAgent };

/** Variables that may name a proxy for `https:`, see the package proxy-from-env. */
const PROXY_VARIABLES = ['https_proxy', 'all_proxy', 'npm_config_https_proxy', 'npm_config_proxy'];

/** The agents that one request of axios is sent with, at each of its hops. */
export class TripAgents {
  constructor(
    private readonly config: RequestConfig,
    private readonly journey: AgentJourney,
  ) {}

  /** What to send the first hop with; nothing where axios connects in a way of its own. */
  first(protocol: string): Pick<RequestConfig, 'httpAgent' | 'httpsAgent'> | undefined {
    const agent = this.#over(protocol);
    if (agent === undefined) return undefined;
    return protocol === 'https:' ? { httpsAgent: agent } : { httpAgent: agent };
  }

  /** Has a later hop sent with one of them, where axios has not put an agent of its own there. */
  useFor(options: Record<string, unknown>): void {
    const protocol = String(options.protocol);
    const agents = options.agents as Record<string, unknown> | undefined;
    const scheme = protocol.slice(0, -1);
    if (agents === undefined || agents[scheme] !== this.#given(protocol)) return;
    agents[scheme] = this.#over(protocol) ?? agents[scheme];
  }

  #given(protocol: string): unknown {
    return protocol === 'https:' ? this.config.httpsAgent : this.config.httpAgent;
  }

  #over(protocol: string): Agent | undefined {
    if (protocol !== 'http:' && protocol !== 'https:') return undefined;
    const agent = (this.#given(protocol) ?? GLOBAL_AGENTS[protocol]) as Agent & { addRequest?: unknown };
    if (this.config.httpVersion === 2 || typeof agent.addRequest !== 'function') return undefined;
    // axios makes another agent of the one that it is given, and keeps it for the next request with the same one.
    if (this.config.proxy === false ? hasProxies(agent) : protocol === 'https:' && this.#mayTunnel()) return undefined;
    return carryingAgent(agent, this.journey);
  }

  #mayTunnel(): boolean {
    return (
      Boolean(this.config.proxy) || PROXY_VARIABLES.some((name) => process.env[name] || process.env[name.toUpperCase()])
    );
  }
}

/** Node's agents take the proxies of the environment when the program is started for that. */
function hasProxies(agent: Agent): boolean {
  return Boolean((agent as { options?: { proxyEnv?: unknown } }).options?.proxyEnv);
}
