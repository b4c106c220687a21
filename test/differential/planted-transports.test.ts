import { type CallCredentials, type ChannelCredentials, credentials, Metadata, status } from '@grpc/grpc-js';
import type { TokenSource } from 'projected-token';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runDifferential } from './run-differential.js';
import type { Answer, Scenario, Transport } from './scenario.js';
import type { Scene } from './scene.js';
import { RecordingServers } from './server/recording-servers.js';
import type { Subject } from './subject.js';
import { callFetch, type FetchOptions, fetchScenarios } from './subjects/fetch-program.js';
import { callGrpc, grpcSubject } from './subjects/grpc.js';
import type { GrpcOptions } from './subjects/grpc-options.js';
import { makePlatformAgent, usePlatformAgent } from './subjects/platform-dispatcher.js';

const TLS: Transport = { schemes: 'https', isTrusted: true, offersHttp2: false };
const HTTP2: Transport = { ...TLS, offersHttp2: true };
const TEXT: Answer = { status: 200, headers: [], body: 'text', framing: 'length' };
const TO_HTTP: Answer = { ...TEXT, status: 302, location: { origin: 'other-scheme', suffix: '' } };

let servers: RecordingServers;
beforeAll(async () => {
  servers = await RecordingServers.start();
});
afterAll(() => servers[Symbol.asyncDispose]());

async function differencesOf<Options>(subject: Subject<Options>): Promise<string[]> {
  const options = { scenarios: 1, seed: 1, shrinks: false };
  return (await runDifferential(subject as unknown as Subject, servers, options)).findings.map(({ where }) => where);
}

interface PlantedFetch {
  readonly transport: Transport;
  readonly answers: readonly Answer[];
  /** What it sends with: as the scene says, or otherwise. */
  readonly connecting?: Partial<Scene['connecting']>;
  readonly adds?: Readonly<Record<string, string>>;
  readonly shows: RegExp;
}

const FETCHES: Readonly<Record<string, PlantedFetch>> = {
  'does not trust the authority': {
    transport: TLS,
    answers: [TEXT],
    connecting: { connect: { ca: '' } },
    shows: /^(received|seen) order: (listed\.test \/ the end|response \/ rejected)$/,
  },
  'takes the token along from https to http': { transport: TLS, answers: [TO_HTTP, TEXT], shows: /^received token$/ },
  'speaks HTTP/1.1 only': {
    transport: HTTP2,
    answers: [TEXT],
    connecting: { allowH2: false },
    shows: /^received head$/,
  },
  'adds a header in HTTP/2': { transport: HTTP2, answers: [TEXT], adds: { 'x-more': '1' }, shows: /^received head$/ },
};

describe('the differential test over TLS', () => {
  it.each(Object.entries(FETCHES))('finds a fetch that %s', async (_, planted) => {
    expect(await differencesOf(fetchSubject(planted))).toContainEqual(expect.stringMatching(planted.shows));
  });

  it.each([TLS, HTTP2])('finds nothing in a fetch that only sends a token: %o', async (transport) => {
    expect(await differencesOf(fetchSubject({ transport, answers: [TEXT] }))).toEqual([]);
  });
});

function fetchSubject({ transport, answers, connecting, adds }: Omit<PlantedFetch, 'shows'>): Subject<FetchOptions> {
  return {
    name: 'a planted fetch',
    scenarios: fetchScenarios.map((scenario) => ({
      ...plain(scenario, transport, answers),
      method: 'GET',
      carrier: 'X-Vault-Token',
      body: 'none',
      options: {
        ...{ input: 'text', init: {}, reads: 'text', watchesInit: false },
        ...{ dispatcher: undefined, timeLimitMs: undefined },
      },
    })),
    canSendAgain: () => true,
    async exercise(scenario, scene) {
      usePlatformAgent(scene);
      const dispatcher = connecting && makePlatformAgent(scene, { ...scene.connecting, ...connecting });
      const wrap = (_: typeof fetch, source: TokenSource) =>
        send(async (input, init) => {
          const headers = { ...adds, 'x-vault-token': await source.getToken() };
          return fetch(input, { ...init, headers, ...(dispatcher && { dispatcher }) } as RequestInit);
        });
      await callFetch(scene.wrap(send(fetch), wrap), Request, scenario, scene);
    },
  };
}

/** A function like any other that is given here, but for what it does. */
function send(by: typeof fetch): typeof fetch {
  return async (input, init) => by(input, init);
}

interface PlantedGrpc {
  readonly withToken: (channel: ChannelCredentials, source: TokenSource) => ChannelCredentials;
  readonly shows: RegExp;
}

const GRPCS: Readonly<Record<string, PlantedGrpc>> = {
  'sends no token': { withToken: (channel) => channel, shows: /^received token$/ },
  'adds metadata': {
    withToken: (channel, source) => combined(channel, source, { 'x-more': '1' }),
    shows: /^received head$/,
  },
  'fails with a code of its own': {
    withToken: (channel) => {
      const error = Object.assign(new Error('No token.'), { code: status.ABORTED });
      return combine(
        channel,
        credentials.createFromMetadataGenerator((_, callback) => callback(error)),
      );
    },
    shows: /^seen order: metadata \/ (status|error|callback)$/,
  },
};

describe('the differential test of gRPC', () => {
  it.each(Object.entries(GRPCS))('finds call credentials whose client %s', async (_, { withToken, shows }) => {
    expect(await differencesOf(plantedGrpc(withToken))).toContainEqual(expect.stringMatching(shows));
  });

  it('finds nothing in call credentials that only send a token', async () => {
    expect(await differencesOf(plantedGrpc((channel, source) => combined(channel, source, {})))).toEqual([]);
  });
});

function plantedGrpc(withToken: PlantedGrpc['withToken']): Subject<GrpcOptions> {
  return {
    ...grpcSubject,
    scenarios: grpcSubject.scenarios.map((scenario) => ({
      ...plain(scenario, HTTP2, [
        {
          ...{ status: 200, body: '\0\0\0\0\x02ab', framing: 'chunked' },
          headers: [['content-type', 'application/grpc']],
          trailers: [['grpc-status', '0']],
        },
      ]),
      carrier: 'Authorization',
      options: {
        ...{ kind: scenario.options.kind, messages: 1, waitForReady: false, retries: false, says: [] },
        ...{ bytes: undefined, deadlineMs: undefined, interceptor: undefined, ownCredentials: undefined },
      },
    })),
    exercise: (scenario, scene) => callGrpc(scenario, scene, withToken),
  };
}

function combined(channel: ChannelCredentials, source: TokenSource, more: Readonly<Record<string, string>>) {
  const calls = credentials.createFromMetadataGenerator((_, callback) => {
    source.getToken().then((token) => {
      const metadata = new Metadata();
      for (const [name, value] of Object.entries(more)) metadata.set(name, value);
      metadata.set('authorization', `Bearer ${token}`);
      callback(null, metadata);
    }, callback);
  });
  return combine(channel, calls);
}

function combine(channel: ChannelCredentials, calls: CallCredentials): ChannelCredentials {
  return credentials.combineChannelCredentials(channel, calls);
}

/** One request to a listed origin that is neither refused nor aborted, and has no headers. */
function plain<Options>(scenario: Scenario<Options>, transport: Transport, answers: readonly Answer[]) {
  return {
    ...scenario,
    ...{ transport, answers, origin: 'listed', requests: 1, token: 'at hand' },
    ...{ headers: undefined, abort: undefined, refusedAt: undefined },
  } as Scenario<Options>;
}
