import { Readable, Writable } from 'node:stream';
import { withToken } from 'projected-token/undici';
import { Agent, type Dispatcher, FormData, fetch, interceptors, request, stream } from 'undici';
import { afterAll, expect } from 'vitest';
import { type ContractClient, describeClientContract } from '../helpers/http-client-contract.js';

const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => index % 251);

const agent = new Agent();
afterAll(() => agent.close());

type Options = Omit<Dispatcher.RequestOptions, 'origin' | 'path'>;

const dispatched: Pick<ContractClient, 'replayableBodies' | 'oneShotBodies' | 'expectAborted'> = {
  replayableBodies: {
    text: () => ({ body: 'Grüße', bytes: 'Grüße' }),
    'a Buffer': () => ({ body: Buffer.from('some bytes'), bytes: 'some bytes' }),
    'a typed array': () => ({ body: bytes.subarray(7, 70_000), bytes: bytes.subarray(7, 70_000) }),
    'an ArrayBuffer': () => ({ body: bytes.slice().buffer, bytes }),
    'a DataView': () => ({ body: new DataView(bytes.buffer, 5, 500), bytes: bytes.subarray(5, 505) }),
    'a Blob': () => ({ body: new Blob([bytes], { type: 'application/x-bytes' }), bytes }),
    'a list of chunks': () => ({ body: ['some ', Buffer.from('bytes')], bytes: 'some bytes' }),
    FormData: () => {
      const form = new FormData();
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

describeClientContract({
  ...dispatched,
  name: "undici's request",
  followsRedirects: false,
  withToken(source, options) {
    const dispatcher = withToken(agent, source, options);
    return async ({ url, ...init }) => {
      const response = await request(url, { ...(init as Options), dispatcher });
      return { status: response.statusCode, body: await response.body.text(), shown: response };
    };
  },
});

describeClientContract({
  ...dispatched,
  name: "undici's request with its redirect interceptor",
  followsRedirects: true,
  keepsContentType: true,
  withToken(source, options) {
    const dispatcher = withToken(agent, source, options).compose(interceptors.redirect({ maxRedirections: 20 }));
    return async ({ url, ...init }) => {
      const response = await request(url, { ...(init as Options), dispatcher });
      return { status: response.statusCode, body: await response.body.text(), shown: response };
    };
  },
});

describeClientContract({
  ...dispatched,
  name: "undici's stream",
  followsRedirects: false,
  withToken(source, options) {
    const dispatcher = withToken(agent, source, options);
    return async ({ url, ...init }) => {
      const chunks: Buffer[] = [];
      let shown: Dispatcher.StreamFactoryData | undefined;
      await stream(url, { ...(init as Options), dispatcher }, (response) => {
        shown = response;
        return new Writable({ write: (chunk, _, done) => done(void chunks.push(chunk)) });
      });
      return { status: shown?.statusCode ?? 0, body: Buffer.concat(chunks).toString(), shown };
    };
  },
});

describeClientContract({
  ...dispatched,
  name: "undici's fetch",
  followsRedirects: true,
  withToken(source, options) {
    const dispatcher = withToken(agent, source, options);
    return async ({ url, body, ...init }) => {
      const isStream = typeof body === 'object';
      const given = { ...init, body: body as string | undefined, ...(isStream && { duplex: 'half' as const }) };
      const response = await fetch(url, { ...given, dispatcher });
      return { status: response.status, body: await response.text(), shown: response };
    };
  },
  // fetch makes a generator of every body.
  replayableBodies: {},
  forgetsHops: true,
  sourceErrorOf: (error) => (error as Error).cause,
});
