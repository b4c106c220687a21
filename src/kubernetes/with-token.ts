import { Agent, globalAgent as httpAgent } from 'node:http';
import { globalAgent as httpsAgent, type RequestOptions } from 'node:https';
import {
  type Configuration,
  KubeConfig,
  Observable,
  type RequestContext,
  type ResponseContext,
} from '@kubernetes/client-node';
import { parseUrl } from '../carry/allowed-origins.js';
import { type AgentJourney, carryingAgent, type Hop } from '../carry/carrying-agent.js';
import { isReplayableBody } from '../carry/is-replayable-body.js';
import { TokenCarriage, type WithTokenOptions } from '../carry/token-carriage.js';
import { InvalidOptionError } from '../errors.js';
import type { TokenSource } from '../token-source.js';
import { carryApiRequest } from './carry-api-request.js';
import { requestAtHop } from './request-at-hop.js';

/**
 * Returns a copy of a configuration of `@kubernetes/client-node` whose requests to the API server of the current context carry the token
 * of a source. The copy has no other credentials of the current user and no other contexts. The given configuration is not changed.
 *
 * Clients made by `makeApiClient` retry a request once after a 401, if the source has another token. Watches, logs and other streams
 * carry the token that is fresh when they start.
 *
 * @param source - of tokens for the API server, such as a provider of a volume with the API server's audience
 * @param options - `origins` is needed only for an API server with `http:` that is not on loopback
 * @throws `ERR_TOKEN_OPTION` if there is no current cluster, or the source's token goes into another header than `Authorization`;
 * `ERR_TOKEN_ORIGIN`
 *
 * @example
 * ```ts
 * import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
 * import { withToken } from 'projected-token/kubernetes';
 *
 * const kubeConfig = new KubeConfig();
 * kubeConfig.loadFromCluster();
 * const api = withToken(kubeConfig, provider).makeApiClient(CoreV1Api);
 * const pods = await api.listNamespacedPod({ namespace: 'shop' });
 * ```
 */
export function withToken(kubeConfig: KubeConfig, source: TokenSource, options: WithTokenOptions = {}): KubeConfig {
  const cluster = kubeConfig.getCurrentCluster();
  if (!cluster) {
    throw new InvalidOptionError(
      'kubeConfig',
      'The configuration has no current cluster. Call loadFromCluster or loadFromDefault before withToken.',
    );
  }
  const carriage = new TokenCarriage(source, options, cluster.server);
  const url = parseUrl(cluster.server);
  if (cluster.proxyUrl && url?.protocol === 'http:') carriage.assertMayPassProxy(url.origin);
  if (carriage.header !== 'authorization') {
    throw new InvalidOptionError(
      'source',
      'The source puts its token into another header than Authorization, but an API server reads no other. Use a source of service account tokens.',
    );
  }
  return new TokenKubeConfig(kubeConfig, carriage);
}

class TokenKubeConfig extends KubeConfig {
  constructor(
    kubeConfig: KubeConfig,
    private readonly carriage: TokenCarriage,
  ) {
    super();
    const { currentContext } = kubeConfig;
    const context = kubeConfig.getContextObject(currentContext)!;
    const clusters = [{ ...kubeConfig.getCurrentCluster()! }];
    this.loadFromOptions({ clusters, contexts: [{ ...context }], users: [{ name: context.user }], currentContext });
  }

  /** For WebSockets: exec, attach, port-forward; and for watches and logs up to version 1 of the client. */
  override async applyToHTTPSOptions(options: RequestOptions): Promise<void> {
    await super.applyToHTTPSOptions(options);
    const journey = await this.#departure();
    if (journey !== undefined) options.agent = carryingAgent(this.#agentOf(options), journey);
  }

  /** For API clients that were not made here; and for watches and logs since version 2 of the client. */
  override async applySecurityAuthentication(request: RequestContext): Promise<void> {
    await super.applySecurityAuthentication(request);
    const journey = await this.#departure();
    if (journey !== undefined) carryApiRequest(request, journey);
  }

  override makeApiClient: KubeConfig['makeApiClient'] = (apiClientType) => {
    const configuration = this.#configurationOfClients();
    const { httpApi } = configuration;
    // The token comes last: a middleware may set the header or a signal.
    const tls = { getName: () => 'TLS', applySecurityAuthentication: super.applySecurityAuthentication.bind(this) };
    return new apiClientType({
      ...configuration,
      authMethods: { default: tls },
      httpApi: { send: (request) => new Observable(sendWithToken(httpApi, this.carriage, request)) },
    });
  };

  /** The configuration from which the client makes API clients. */
  #configurationOfClients(): Configuration {
    return super.makeApiClient(asGiven as never) as unknown as Configuration;
  }

  /** Starts a request to the API server, and waits for its token. */
  async #departure(): Promise<AgentJourney | undefined> {
    const journey = this.carriage.begin();
    const value = await journey.valueFor(new URL(this.getCurrentCluster()!.server));
    return value === undefined ? undefined : { carriage: this.carriage, journey };
  }

  #agentOf({ agent }: RequestOptions): Agent {
    if (agent instanceof Agent) return agent;
    return this.getCurrentCluster()!.server.startsWith('http:') ? httpAgent : httpsAgent;
  }
}

/** In the place of the class of an API client: what a constructor returns is what `new` gives. */
function asGiven(configuration: Configuration): Configuration {
  return configuration;
}

async function sendWithToken(
  httpApi: Configuration['httpApi'],
  carriage: TokenCarriage,
  request: RequestContext,
): Promise<ResponseContext> {
  const send = (sent = request) => httpApi.send(sent).toPromise();
  if (Object.keys(request.getHeaders()).some((name) => name.toLowerCase() === 'authorization')) return send();
  const url = new URL(request.getUrl());
  // Before 1.3 a request has no signal.
  const signal: AbortSignal | undefined = request.getSignal?.();
  const journey = carriage.begin();
  if (!journey.carriesTo(url)) return send();
  let last: Hop | undefined;
  const pass = (hop: Hop) => {
    last = hop;
  };
  try {
    if (journey.valueAtHand() === undefined) await journey.value(signal);
    carryApiRequest(request, { carriage, journey, pass });
    const response = await send();
    const canSendAgain = isReplayableBody(request.getBody());
    if (!(await journey.shouldRetry(response.httpStatusCode, canSendAgain, signal))) return response;
    // An unread body would keep its connection from being reused.
    await response.body.text();
  } catch (error) {
    // The client reports an abort itself, and sends nothing.
    if (!signal?.aborted) throw error;
  }
  return send(last && requestAtHop(request, last));
}
