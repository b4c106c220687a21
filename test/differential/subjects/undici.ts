import { EventEmitter, once } from 'node:events';
import { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { withToken } from 'projected-token/undici';
import { Agent, BalancedPool, Client, type Dispatcher, interceptors, Pool } from 'undici';
import { isOneShot, makeBody } from '../make-body.js';
import { makeHeaders } from '../make-headers.js';
import type { Scenario } from '../scenario.js';
import type { Scene } from '../scene.js';
import type { Subject } from '../subject.js';
import { tellChannels } from './undici-channels.js';
import { toldHandler } from './undici-handler.js';
import { type UndiciOptions, undiciScenarios } from './undici-options.js';

type Options = Dispatcher.RequestOptions;

/** undici's dispatchers, by every way in which they send. */
export const undiciSubject: Subject<UndiciOptions> = {
  name: 'undici',
  scenarios: undiciScenarios,
  // What a pipeline sends is a stream.
  canSendAgain: ({ body, options: { call } }) => call !== 'pipeline' && !isOneShot(body),
  async exercise(scenario, scene) {
    const dispatcher = makeDispatcher(scenario, scene);
    if (scenario.refusedAt === undefined) tellChannels(scene);
    const { isParallel } = scenario.options;
    const calls: unknown[] = [];
    await scene.perform((index) => {
      const answer = send(dispatcher, optionsOf(scenario, scene, index), scenario.options, scene);
      // Waited for, so that its end is seen whenever it comes.
      calls.push(close(dispatcher, scenario.options.closing, scene));
      if (!isParallel) return answer;
      calls.push(answer.catch((error: unknown) => scene.tell(`rejected ${index}`, error)));
      return undefined;
    });
    await Promise.all(calls);
  },
};

function makeDispatcher({ options }: Scenario<UndiciOptions>, scene: Scene): Dispatcher {
  const bare = bareDispatcher(options, scene);
  if (scene.scenario.refusedAt === undefined) {
    for (const name of ['connect', 'disconnect', 'connectionError', 'drain']) {
      (bare as EventEmitter).on(name, (origin, _path, error) => scene.tell(`event ${name}`, [String(origin), error]));
    }
  }
  scene.onCleanUp(() => bare.destroy().catch(() => undefined));
  const dispatcher = scene.wrap(bare, withToken);
  const { interceptor } = options;
  if (interceptor === 'redirect') return dispatcher.compose(interceptors.redirect({ maxRedirections: 5 }));
  if (interceptor === 'retry')
    return dispatcher.compose(interceptors.retry({ maxRetries: 2, minTimeout: 1, maxTimeout: 2 }));
  if (interceptor === 'dump') return dispatcher.compose(interceptors.dump());
  return dispatcher;
}

function bareDispatcher({ dispatcher, pipelining }: UndiciOptions, scene: Scene): Dispatcher {
  const origin = scene.origins[scene.scenario.origin];
  const given = { ...scene.connecting, pipelining };
  if (dispatcher === 'Agent') return new Agent(given);
  if (dispatcher === 'Pool') return new Pool(origin, { ...given, connections: 2 });
  if (dispatcher === 'Client') return new Client(origin, given);
  return new BalancedPool(origin, given);
}

function optionsOf(
  { method, body: kind, headers: choice, options }: Scenario<UndiciOptions>,
  scene: Scene,
  index: number,
) {
  const given: Record<string, unknown> = {
    origin: scene.origins[scene.scenario.origin],
    path: scene.path(index).replace('#', '%23').replace(' ', '%20'),
    method,
    ...options.members,
  };
  const body = makeBody(kind);
  if (body !== undefined) given.body = body;
  const headers = makeHeaders(choice);
  if (headers !== undefined) given.headers = headers;
  const { signal } = scene;
  if (signal !== undefined) given.signal = options.signal === 'EventEmitter' ? emitterOf(signal) : signal;
  return given as unknown as Options;
}

/** undici takes an emitter of `abort` in the place of a signal. */
function emitterOf(signal: AbortSignal): EventEmitter {
  const emitter = new EventEmitter();
  signal.addEventListener('abort', () => emitter.emit('abort'));
  return emitter;
}

async function close(dispatcher: Dispatcher, closing: UndiciOptions['closing'], scene: Scene): Promise<void> {
  if (closing === undefined || closing === 'close at the response') return;
  const method = closing === 'close in the same turn' ? 'close' : 'destroy';
  await dispatcher[method]().then(
    () => scene.tell(`${method} is done`),
    (error: unknown) => scene.tell(`${method} fails`, error),
  );
}

async function send(dispatcher: Dispatcher, given: Options, options: UndiciOptions, scene: Scene): Promise<void> {
  const { call } = options;
  const atResponse = (details: unknown) => {
    scene.tell('response', details);
    scene.reached('at the response');
    if (options.closing === 'close at the response') void dispatcher.close().then(() => scene.tell('close is done'));
  };
  if (call === 'dispatch') {
    const { handler, ended } = toldHandler(options, scene);
    scene.tell('dispatch gives', dispatcher.dispatch(given, handler));
    return ended;
  }
  if (call === 'request') {
    const { statusCode, headers, trailers, opaque, context, body, ...rest } = await dispatcher.request(given);
    atResponse({ statusCode, headers, trailers, opaque, context, rest: Object.keys(rest) });
    if (options.pauses) await delay(2);
    for await (const chunk of body) {
      scene.tell('bytes', chunk);
      scene.reached('at the first bytes');
    }
    return scene.tell('body', { trailers, bodyUsed: body.bodyUsed });
  }
  if (call === 'stream') {
    const done = await dispatcher.stream(given, ({ statusCode, headers, opaque, context }) => {
      atResponse({ statusCode, headers, opaque, context });
      return sink(scene);
    });
    return scene.tell('streamed', done);
  }
  const duplex = dispatcher.pipeline(given, ({ statusCode, headers, opaque, context, body }) => {
    atResponse({ statusCode, headers, opaque, context });
    return body;
  });
  duplex.end(given.method === 'GET' ? undefined : 'piped');
  duplex.on('data', (chunk: unknown) => {
    scene.tell('bytes', chunk);
    scene.reached('at the first bytes');
  });
  await once(duplex, 'end');
}

function sink(scene: Scene): Writable {
  return new Writable({
    write(chunk, _encoding, done) {
      scene.tell('bytes', chunk);
      scene.reached('at the first bytes');
      done();
    },
  });
}
