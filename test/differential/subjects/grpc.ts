import {
  type CallCredentials,
  type CallOptions,
  type ChannelCredentials,
  Client,
  type ClientReadableStream,
  type ClientWritableStream,
  credentials,
  InterceptingCall,
  type Interceptor,
  ListenerBuilder,
  Metadata,
  RequesterBuilder,
  type ServiceError,
  type StatusObject,
} from '@grpc/grpc-js';
import type { TokenSource } from 'projected-token';
import { tokenCallCredentials } from 'projected-token/grpc';
import type { Scenario } from '../scenario.js';
import type { Scene } from '../scene.js';
import type { Subject } from '../subject.js';
import { type GrpcOptions, grpcScenarios } from './grpc-options.js';

/** What all four kinds of calls have in common. */
type Call = Pick<ClientReadableStream<Buffer>, 'on' | 'cancel' | 'getPeer'>;
type Settle = (error: ServiceError | null, message?: Buffer) => void;

/** Gives channel credentials those of the calls. */
type WithToken = (channel: ChannelCredentials, source: TokenSource) => ChannelCredentials;

/** The client of gRPC, whose token is that of the call credentials. */
export const grpcSubject: Subject<GrpcOptions> = {
  name: '@grpc/grpc-js',
  scenarios: grpcScenarios,
  canSendAgain: () => false,
  exercise: (scenario, scene) =>
    callGrpc(scenario, scene, (channel, source) =>
      credentials.combineChannelCredentials(channel, tokenCallCredentials(source)),
    ),
};

/** Makes the calls of a scenario, and tells all that came of them. */
export async function callGrpc(scenario: Scenario<GrpcOptions>, scene: Scene, withToken: WithToken): Promise<void> {
  const client = new Client(addressOf(scene), scene.wrap(bareCredentials(scenario, scene), withToken), {
    // Connections of a run's own.
    'grpc.use_local_subchannel_pool': 1,
    ...(scenario.options.retries ? { 'grpc.service_config': RETRYING } : {}),
  });
  scene.onCleanUp(() => client.close());
  await scene.perform((index) => makeCall(client, scenario, scene, index));
}

/** By name: gRPC takes the address for a TLS server name, which Node 26 does not let pass. */
function addressOf({ origins }: Scene): string {
  return `localhost:${new URL(origins.listed).port}`;
}

const RETRYING = JSON.stringify({
  methodConfig: [
    {
      // Each call is of another service. gRPC 1.8 does not take an empty name for all.
      name: Array.from({ length: 10 }, (_, index) => ({ service: String(index) })),
      retryPolicy: {
        maxAttempts: 3,
        initialBackoff: '0.001s',
        maxBackoff: '0.001s',
        backoffMultiplier: 1,
        retryableStatusCodes: ['UNAVAILABLE', 'UNAUTHENTICATED'],
      },
    },
  ],
});

function bareCredentials({ options }: Scenario<GrpcOptions>, { ca }: Scene): ChannelCredentials {
  const secure = credentials.createSsl(ca === undefined ? null : Buffer.from(ca));
  if (options.ownCredentials !== 'of the channel') return secure;
  return credentials.combineChannelCredentials(secure, tenantCredentials());
}

function tenantCredentials(): CallCredentials {
  return credentials.createFromMetadataGenerator((_, callback) => {
    const metadata = new Metadata();
    metadata.set('x-tenant', 'shop');
    callback(null, metadata);
  });
}

async function makeCall(client: Client, scenario: Scenario<GrpcOptions>, scene: Scene, index: number): Promise<void> {
  const { kind, messages } = scenario.options;
  const args = [`/${index}/h0`, asIs, asIs] as const;
  const metadata = metadataOf(scenario);
  const options = callOptions(scenario, scene);
  let settle: Settle = () => {};
  const settled = new Promise<void>((resolve) => {
    settle = (error, message) => {
      scene.tell('callback', { error, message });
      resolve();
    };
  });
  const parts = Array.from({ length: messages }, (_, part) => Buffer.from(`message ${part} \0\xff`));
  const first = parts[0] ?? Buffer.alloc(0);
  if (kind === 'unary') {
    watch(client.makeUnaryRequest(...args, first, metadata, options, (...told) => settle(...told)) as never, scene);
    return settled;
  }
  if (kind === 'clientStream') {
    const call = client.makeClientStreamRequest(...args, metadata, options, (...told) => settle(...told));
    watch(call as never, scene);
    write(call, parts);
    return settled;
  }
  if (kind === 'serverStream') {
    return read(client.makeServerStreamRequest(...args, first, metadata, options), scene);
  }
  const call = client.makeBidiStreamRequest(...args, metadata, options);
  write(call, parts);
  return read(call, scene);
}

const asIs = (bytes: Buffer): Buffer => bytes;

function metadataOf({ headers, options }: Scenario<GrpcOptions>): Metadata {
  const metadata = new Metadata({ waitForReady: options.waitForReady });
  for (const [name, value] of headers?.entries ?? []) metadata.add(name, value as string);
  if (options.bytes !== undefined) metadata.add('x-bytes-bin', Buffer.from(options.bytes, 'latin1'));
  return metadata;
}

function callOptions({ options }: Scenario<GrpcOptions>, scene: Scene): CallOptions {
  const { deadlineMs, interceptor, ownCredentials } = options;
  return {
    ...(deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs }),
    ...(interceptor === undefined ? {} : { interceptors: [interceptorThat(interceptor, scene)] }),
    ...(ownCredentials === 'of a call' ? { credentials: tenantCredentials() } : {}),
  };
}

function interceptorThat(does: NonNullable<GrpcOptions['interceptor']>, scene: Scene): Interceptor {
  return (options, nextCall) => {
    const listener = new ListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        scene.tell('interceptor: metadata', metadata);
        next(metadata);
      })
      .withOnReceiveStatus((status, next) => {
        tellStatus('interceptor: status', status, scene);
        next(does === 'changes' ? { ...status, details: `${status.details}!` } : status);
      })
      .build();
    const requester = new RequesterBuilder()
      .withStart((metadata, _listener, next) => {
        scene.tell('interceptor: start', { metadata, options: Object.keys(options) });
        if (does === 'throws') throw new Error('The interceptor throws.');
        if (does === 'changes') metadata.set('x-changed', '1');
        next(metadata, listener);
      })
      .withCancel((next) => {
        scene.tell('interceptor: cancel');
        next();
      })
      .build();
    return new InterceptingCall(nextCall(options), requester);
  };
}

/** Tells of what every call reports, and cancels when the program has had enough. */
function watch(call: Call, scene: Scene): void {
  if (scene.signal?.aborted) call.cancel();
  else scene.signal?.addEventListener('abort', () => call.cancel());
  call.on('metadata', (metadata) => {
    scene.tell('metadata', { metadata, peer: call.getPeer() });
    scene.reached('at the response');
  });
  call.on('status', (status) => tellStatus('status', status, scene));
}

function tellStatus(what: string, { code, details, metadata }: StatusObject, scene: Scene): void {
  scene.tell(what, { code, details, metadata });
}

function write(call: ClientWritableStream<Buffer>, parts: readonly Buffer[]): void {
  for (const part of parts) call.write(part);
  call.end();
}

/** Resolves when the stream and its status have ended. */
function read(call: ClientReadableStream<Buffer>, scene: Scene): Promise<void> {
  watch(call, scene);
  call.on('data', (message: Buffer) => {
    scene.tell('message', message);
    scene.reached('at the first bytes');
  });
  call.on('end', () => scene.tell('end'));
  call.on('error', (error) => scene.tell('error', error));
  return new Promise((resolve) => call.once('close', resolve).once('status', () => setImmediate(resolve)));
}
