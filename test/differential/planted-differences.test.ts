import fc from 'fast-check';
import type { TokenSource } from 'projected-token';
import type { Dispatcher } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isOneShot } from './make-body.js';
import { runDifferential } from './run-differential.js';
import { RecordingServers } from './server/recording-servers.js';
import type { Subject } from './subject.js';
import { callFetch, type FetchOptions, fetchScenarios } from './subjects/fetch-program.js';
import { usePlatformAgent } from './subjects/platform-dispatcher.js';
import { undiciSubject } from './subjects/undici.js';
import type { UndiciOptions } from './subjects/undici-options.js';

type Fetch = typeof fetch;
type Send = (token: string, input: Parameters<Fetch>[0], init: RequestInit) => Promise<Response>;

/** Wraps fetch for the plainest scenarios as well as it goes, with one fault. */
const FAULTS: Readonly<Record<string, { readonly send: Send; readonly shows: RegExp }>> = {
  'sends no token': { send: (_token, input, init) => fetch(input, init), shows: /^received token$/ },
  'changes the case of a header': {
    send: (token, input, init) =>
      fetch(
        input,
        withHeaders(init, token, (name) => name.toLowerCase()),
      ),
    shows: /^received head$/,
  },
  'sends twice': {
    send: async (token, input, init) => {
      await fetch(input, withHeaders(init, token)).then((response) => response.text());
      return fetch(input, withHeaders(init, token));
    },
    shows: /^received order: the end \/ listed\.test$/,
  },
  'changes the body of a response': {
    send: async (token, input, init) => {
      const response = await fetch(input, withHeaders(init, token));
      const { status, headers } = response;
      return new Response(`${await response.text()} more`, { status, headers });
    },
    shows: /^seen (response|body)/,
  },
  'wraps errors': {
    send: (token, input, init) =>
      fetch(input, withHeaders(init, token)).catch((error: unknown) => {
        throw new Error('Cannot send.', { cause: error });
      }),
    shows: /^seen rejected details: TypeError/,
  },
  'shows the token': {
    send: async (token, input, init) => {
      const response = await fetch(input, withHeaders(init, token));
      return new Response(response.body, { headers: { 'x-sent': token } });
    },
    shows: /^seen token in response$/,
  },
};

type Dispatch = Dispatcher['dispatch'];

/** Wrap the dispatch of undici, for several requests at once, each with a fault that shows in the order of what is seen only. */
const FAULTS_OF_ORDER: Readonly<Record<string, (dispatch: Dispatch) => Dispatch>> = {
  'sends in a later turn': (dispatch) => (options, handler) => {
    setImmediate(() => dispatch(options, handler));
    return true;
  },
  'tells a response in a later turn': (dispatch) => (options, handler) =>
    dispatch(
      options,
      new Proxy(handler, {
        get(target, name) {
          const method = Reflect.get(target, name) as ((...told: unknown[]) => void) | undefined;
          if (!String(name).startsWith('onResponse')) return method;
          return (...told: unknown[]) => setImmediate(() => method?.apply(target, told));
        },
      }),
    ),
};

describe('the differential test', () => {
  let servers: RecordingServers;
  beforeAll(async () => {
    servers = await RecordingServers.start();
  });
  afterAll(() => servers[Symbol.asyncDispose]());

  it.each(Object.entries(FAULTS))('finds a fetch that %s', { timeout: 60_000 }, async (_, { send, shows }) => {
    const options = { scenarios: 4, seed: 1, shrinks: false };
    const { findings, different } = await runDifferential(subjectOf(send), servers, options);
    expect(different).toBeGreaterThan(0);
    expect(findings.map(({ where }) => where)).toContainEqual(expect.stringMatching(shows));
  });

  it.each(Object.entries(FAULTS_OF_ORDER))('finds an undici that %s', { timeout: 60_000 }, async (_, fault) => {
    const options = { scenarios: 1, seed: 1, shrinks: false };
    const { findings } = await runDifferential(dispatcherSubjectOf(fault), servers, options);
    expect(findings.map(({ where }) => where)).toEqual([expect.stringMatching(/^seen order: /)]);
  });

  it('finds nothing in an undici that only sends a token', { timeout: 60_000 }, async () => {
    const options = { scenarios: 5, seed: 1, shrinks: false };
    const { findings } = await runDifferential(
      dispatcherSubjectOf((dispatch) => dispatch),
      servers,
      options,
    );
    expect(findings).toEqual([]);
  });

  it('finds nothing in a fetch that only sends a token', { timeout: 60_000 }, async () => {
    const send: Send = (token, input, init) => fetch(input, withHeaders(init, token));
    const options = { scenarios: 10, seed: 1, shrinks: false };
    expect((await runDifferential(subjectOf(send), servers, options)).findings).toEqual([]);
  });
});

function withHeaders(init: RequestInit, token: string, nameOf = (name: string) => name): RequestInit {
  const own = Object.entries((init.headers ?? {}) as Record<string, string>);
  const headers = own.map(([name, value]) => [nameOf(name), value] as [string, string]);
  return { ...init, headers: [...headers, ['X-Vault-Token', token]] };
}

/** Requests to a listed origin that are not redirected, refused or aborted: all that the wrappers above know. */
function subjectOf(send: Send): Subject<FetchOptions> {
  return {
    name: 'a planted fetch',
    scenarios: fc.tuple(fetchScenarios, fc.constantFrom(undefined, 'reset' as const)).map(([scenario, fault]) => ({
      ...scenario,
      method: 'POST',
      origin: 'listed',
      carrier: 'X-Vault-Token',
      refusedAt: undefined,
      abort: undefined,
      requests: 1,
      headers: { form: 'object', entries: [['X-Custom', 'value']] },
      body: isOneShot(scenario.body) ? 'text' : scenario.body,
      answers: [{ status: 200, headers: [], body: 'text', framing: 'length', fault }],
      options: {
        input: 'text',
        init: {},
        dispatcher: undefined,
        reads: 'text',
        watchesInit: false,
        timeLimitMs: undefined,
      },
    })),
    canSendAgain: () => true,
    async exercise(scenario, scene) {
      usePlatformAgent(scene);
      const wrap = (_client: Fetch, source: TokenSource) =>
        ({
          fetch: async (input: Parameters<Fetch>[0], init: RequestInit = {}) =>
            send(source.peekToken?.() ?? (await source.getToken()), input, init),
        }).fetch as Fetch;
      await callFetch(scene.wrap(bareFetch, wrap), Request, scenario, scene);
    },
  };
}

/** Without the properties of the global one, which are not what is planted here. */
const { fetch: bareFetch } = {
  fetch: async (input: Parameters<Fetch>[0], init: RequestInit = {}) => fetch(input, init),
};

/** Three plain requests at once, by an agent that sends the token and has the fault. */
function dispatcherSubjectOf(fault: (dispatch: Dispatch) => Dispatch): Subject<UndiciOptions> {
  return {
    ...undiciSubject,
    name: 'a planted undici',
    scenarios: undiciSubject.scenarios.map((scenario) => ({
      ...scenario,
      method: 'POST',
      origin: 'listed',
      carrier: 'X-Vault-Token',
      token: 'at hand',
      refusedAt: undefined,
      abort: undefined,
      requests: 3,
      sameUrl: false,
      headers: undefined,
      body: 'text',
      answers: [{ status: 200, headers: [], body: 'text', framing: 'length' }],
      options: {
        call: 'dispatch',
        dispatcher: 'Agent',
        interceptor: undefined,
        isParallel: true,
        closing: undefined,
        signal: undefined,
        members: {},
        pauses: false,
        throwsIn: undefined,
        pipelining: 1,
      },
    })),
    async exercise(scenario, scene) {
      const wrap = scene.wrap.bind(scene);
      const planted = (agent: Dispatcher, source: TokenSource) =>
        agent.compose(
          (dispatch) => (options, handler) =>
            dispatch({ ...options, headers: { 'X-Vault-Token': source.peekToken!()! } }, handler),
          fault,
        );
      scene.wrap = (client) => wrap(client as Dispatcher, planted) as typeof client;
      await undiciSubject.exercise(scenario, scene);
    },
  };
}
