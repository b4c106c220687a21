import { Readable, Writable } from 'node:stream';
import type { TokenSource } from 'projected-token';
import { type WithTokenOptions, withToken } from 'projected-token/undici';
import * as undici from 'undici';
import { type Dispatcher, interceptors } from 'undici';
import { afterAll, expect } from 'vitest';
import type { ContractClient, ContractRequest } from '../helpers/contract-client.js';
import { describeClientContract } from '../helpers/http-client-contract.js';
import type { FixedTokenSource } from '../helpers/http-token-source.js';

type Bodies = Pick<ContractClient, 'replayableBodies' | 'oneShotBodies' | 'expectAborted'>;
type RequestInit = { dispatcher: Dispatcher } & Omit<Dispatcher.RequestOptions, 'origin' | 'path'>;

const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => index % 251);

const agent = new undici.Agent();
const globalDispatcher = undici.getGlobalDispatcher();
afterAll(async () => {
  undici.setGlobalDispatcher(globalDispatcher);
  await agent.close();
});

const bodies: Bodies = {
  replayableBodies: {
    text: () => ({ body: 'Grüße', bytes: 'Grüße' }),
    'a Buffer': () => ({ body: Buffer.from('some bytes'), bytes: 'some bytes' }),
    'a typed array': () => ({ body: bytes.subarray(7, 70_000), bytes: bytes.subarray(7, 70_000) }),
    'an ArrayBuffer': () => ({ body: bytes.slice().buffer, bytes }),
    'a DataView': () => ({ body: new DataView(bytes.buffer, 5, 500), bytes: bytes.subarray(5, 505) }),
    'a Blob': () => ({ body: new Blob([bytes], { type: 'application/x-bytes' }), bytes }),
    'a list of chunks': () => ({ body: ['some ', Buffer.from('bytes')], bytes: 'some bytes' }),
    FormData: () => {
      const form = new undici.FormData();
      form.append('field', 'value');
      form.append('file', new Blob([bytes]), 'bytes.bin');
      return { body: form };
    },
  },
  oneShotBodies: {
    'a Node stream': () => Readable.from([Buffer.from('streamed')]),
    'a web stream': () => new Blob(['streamed']).stream(),
    'an async generator': async function* () {
      yield new TextEncoder().encode('streamed');
    },
  },
  expectAborted: (error, reason) => expect(error).toBe(reason),
};

/** `request` with what a dispatcher with the token is composed into. */
function viaRequest(compose: (dispatcher: Dispatcher) => Dispatcher): ContractClient['withToken'] {
  return (source, options) => {
    const dispatcher = compose(withToken(agent, source, options));
    return async ({ url, ...init }) => {
      const response = await undici.request(url, { ...init, dispatcher, throwOnMaxRedirect: true } as RequestInit);
      return { status: response.statusCode, body: await response.body.text(), shown: response };
    };
  };
}

function viaStream(source: TokenSource, options: WithTokenOptions): ReturnType<ContractClient['withToken']> {
  const dispatcher = withToken(agent, source, options);
  return async ({ url, ...init }) => {
    const chunks: Buffer[] = [];
    let shown: Dispatcher.StreamFactoryData | undefined;
    await undici.stream(url, { ...init, dispatcher } as RequestInit, (response) => {
      shown = response;
      return new Writable({ write: (chunk, _, done) => done(void chunks.push(chunk)) });
    });
    return { status: shown?.statusCode ?? 0, body: Buffer.concat(chunks).toString(), shown };
  };
}

const APIS: Record<string, ContractClient['withToken']> = {
  "undici's request": viaRequest((dispatcher) => dispatcher),
  "undici's stream": viaStream,
};

for (const [name, withToken] of Object.entries(APIS)) {
  describeClientContract({ ...bodies, name, followsRedirects: false, withToken });
  describeClientContract({
    ...bodies,
    name: `${name}, with a token at hand,`,
    followsRedirects: false,
    withToken: (source, options) => withToken((source as FixedTokenSource).atHand, options),
  });
}

describeClientContract({
  ...bodies,
  name: "undici's request within its redirect interceptor",
  followsRedirects: true,
  keepsContentType: [301, 302],
  withToken: viaRequest((dispatcher) => dispatcher.compose(interceptors.redirect({ maxRedirections: 20 }))),
});

const FETCHES: Record<string, (dispatcher: Dispatcher) => typeof fetch> = {
  "undici's fetch": (dispatcher) =>
    ((url, init) => undici.fetch(url as string, { ...(init as undici.RequestInit), dispatcher })) as typeof fetch,
  "Node's fetch with its global dispatcher": (dispatcher) => (url, init) => {
    undici.setGlobalDispatcher(dispatcher);
    return fetch(url, init);
  },
};

for (const [name, fetchThrough] of Object.entries(FETCHES)) {
  describeClientContract({
    ...bodies,
    name,
    followsRedirects: true,
    forgetsHops: true,
    withToken(source, options) {
      const send = fetchThrough(withToken(agent, source, options));
      return async ({ url, ...init }: ContractRequest) => {
        const duplex = typeof init.body === 'object' && { duplex: 'half' };
        const response = await send(url, { ...init, ...duplex } as globalThis.RequestInit);
        return { status: response.status, body: await response.text(), shown: response };
      };
    },
    // fetch makes a generator of every body.
    replayableBodies: {},
    sourceErrorOf: (error) => (error as Error).cause,
  });
}
