import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { withToken } from 'projected-token/undici';
import { Agent, type Dispatcher, MockAgent, ProxyAgent, RetryAgent } from 'undici';
import { isOneShot, makeBody } from '../../make-body.js';
import { makeHeaders } from '../../make-headers.js';
import type { Scenario } from '../../scenario.js';
import type { Scene } from '../../scene.js';
import type { Subject } from '../../subject.js';
import { type UndiciOptions, undiciScenarios } from '../undici-options.js';
import { Interception } from './interception.js';

type MakeDispatcher = (scenario: Scenario<UndiciOptions>, scene: Scene) => Promise<Dispatcher>;

/** Dispatchers that stand in the place of an agent, or on one. */
const LIBRARIES: Readonly<Record<string, MakeDispatcher>> = {
  MockAgent: async ({ method }, scene) => scene.wrap(mocked(method, scene), withToken),
  ProxyAgent: async (_scenario, scene) => scene.wrap(await proxied(scene), withToken),
  RetryAgent: async (_scenario, scene) => {
    const agent = new Agent(scene.connecting);
    scene.onCleanUp(() => agent.destroy());
    return new RetryAgent(scene.wrap(agent, withToken), { maxRetries: 2, minTimeout: 1, maxTimeout: 2 });
  },
};

/** Each of them by `request`. */
export const undiciStacks: readonly Subject<UndiciOptions>[] = Object.entries(LIBRARIES).map(([name, make]) => ({
  name: name === 'RetryAgent' ? 'RetryAgent over undici' : name,
  scenarios: undiciScenarios.map((scenario) =>
    name === 'MockAgent' ? withoutConnections(scenario) : withTunnel(scenario),
  ),
  canSendAgain: ({ body }) => !isOneShot(body),
  async exercise(scenario, scene) {
    const dispatcher = await make(scenario, scene);
    await scene.perform(async (index) => {
      const { statusCode, headers, trailers, body } = await dispatcher.request(optionsOf(scenario, scene, index));
      scene.tell('response', { statusCode, headers, trailers });
      scene.reached('at the response');
      scene.tell('body', await body.text());
    });
  },
}));

function optionsOf({ method, body: kind, headers: choice }: Scenario<UndiciOptions>, scene: Scene, index: number) {
  const given: Record<string, unknown> = {
    origin: scene.origins[scene.scenario.origin],
    path: scene.path(index).replace('#', '%23').replace(' ', '%20'),
    method,
  };
  const body = makeBody(kind);
  if (body !== undefined) given.body = body;
  const headers = makeHeaders(choice);
  if (headers !== undefined) given.headers = headers;
  if (scene.signal !== undefined) given.signal = scene.signal;
  return given as unknown as Dispatcher.RequestOptions;
}

function mocked(method: string, scene: Scene): MockAgent {
  const agent = new MockAgent();
  agent.disableNetConnect();
  const interception = new Interception(scene);
  for (const origin of Object.values(scene.origins)) {
    agent
      .get(origin)
      .intercept({ path: () => true, method })
      .reply(({ path, headers, body }) => {
        const entries = entriesOf(headers);
        const answer = interception.answer({ method, url: `${origin}${path}`, headers: entries, body: String(body) });
        return {
          statusCode: answer.status,
          data: answer.body,
          responseOptions: { headers: Object.fromEntries(answer.headers) },
        };
      })
      .persist();
  }
  scene.onCleanUp(() => agent.close());
  return agent;
}

/** A flat list of names and values, or an object. */
function entriesOf(headers: unknown): [string, string][] {
  if (!Array.isArray(headers)) {
    const isIterable = Symbol.iterator in Object(headers);
    const entries = isIterable ? [...(headers as Iterable<[unknown, unknown]>)] : Object.entries(Object(headers));
    return entries.map(([name, value]) => [String(name), String(value)]);
  }
  return headers.flatMap((name, at) =>
    at % 2 === 0 ? [[String(name), String(headers[at + 1])] as [string, string]] : [],
  );
}

/** Through a proxy of this process, which tells of its tunnels. */
async function proxied(scene: Scene): Promise<ProxyAgent> {
  const open = new Set<Socket>();
  const proxy = createServer().on('connect', (request, client: Socket) => {
    scene.tell('tunnel', { to: request.url, headers: request.rawHeaders });
    const { hostname, port } = new URL(`http://${request.url}`);
    const server = connect(Number(port), hostname, () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      client.pipe(server).pipe(client);
    });
    for (const socket of [client, server]) {
      open.add(socket);
      socket.on('error', () => {});
    }
    client.once('close', () => server.destroy());
    server.once('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const agent = new ProxyAgent({
    uri: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    proxyTunnel: true,
    ...(scene.ca === undefined ? {} : { requestTls: { ca: scene.ca } }),
  });
  scene.onCleanUp(async () => {
    await agent.destroy();
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => proxy.close(resolve));
  });
  return agent;
}

function withoutConnections(scenario: Scenario<UndiciOptions>): Scenario<UndiciOptions> {
  const waits = scenario.abort?.moment === 'once the server has the request';
  const { headers } = scenario;
  return {
    ...withTunnel(scenario),
    // A mock takes what undici rejects.
    ...(headers && ['odd list', 'text', 'numbers'].includes(headers.form) && { headers: { ...headers, form: 'list' } }),
    abort: waits ? undefined : scenario.abort,
    answers: scenario.answers.map(({ fault: _, ...answer }) => answer),
  };
}

/** A time limit that ends what the server does not. */
function withTunnel(scenario: Scenario<UndiciOptions>): Scenario<UndiciOptions> {
  const isSilent = scenario.answers.some(({ fault }) => fault?.includes('silence'));
  const waits = scenario.abort?.moment === 'once the server has the request';
  return isSilent && !waits
    ? { ...scenario, answers: [{ status: 200, headers: [], body: '', framing: 'length' }] }
    : scenario;
}
