import { Readable } from 'node:stream';
import got, { AbortError, HTTPError, type OptionsInit, type RequestError } from 'got';
import { withToken } from 'projected-token/got';
import { expect } from 'vitest';
import { describeClientContract } from '../helpers/http-client-contract.js';

/** got 15 has no such method any more, and treats redirects as fetch does. */
const isBefore15 = 'getFallbackRequestFunction' in got.defaults.options;

const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => index % 251);

describeClientContract({
  name: 'got',
  followsRedirects: true,
  keepsContentType: isBefore15 ? [301, 302, 303] : [],
  withToken(source, options) {
    const client = withToken(got.extend({ retry: { limit: 0 }, methodRewriting: true }), source, options);
    return async ({ url, body, ...request }) => {
      const given: OptionsInit = typeof body === 'function' ? body() : { body: body as OptionsInit['body'] };
      const options = { ...request, ...given } as OptionsInit;
      const shown = await client(url, { ...options, isStream: false }).catch((error: unknown) => {
        if (error instanceof HTTPError) return error;
        throw error;
      });
      const response = shown instanceof HTTPError ? shown.response : shown;
      return { status: response.statusCode, body: String(response.body), shown };
    };
  },
  replayableBodies: {
    text: () => ({ body: 'Grüße', bytes: 'Grüße' }),
    'a Buffer': () => ({ body: Buffer.from('some bytes'), bytes: 'some bytes' }),
    'a typed array': () => ({ body: bytes.subarray(7, 70_000), bytes: bytes.subarray(7, 70_000) }),
    json: () => ({ body: () => ({ json: { a: 1, b: ['ä'] } }), bytes: '{"a":1,"b":["ä"]}' }),
    'a form': () => ({ body: () => ({ form: { a: '1', b: 'ä' } }), bytes: 'a=1&b=%C3%A4' }),
    FormData: () => {
      const form = new FormData();
      form.append('field', 'value');
      form.append('file', new Blob([bytes]), 'bytes.bin');
      return { body: form };
    },
  },
  oneShotBodies: {
    'a Node stream': () => Readable.from([Buffer.from('streamed')]),
    'a generator': () => () => ({
      body: (function* () {
        yield Buffer.from('streamed');
      })(),
    }),
    'an async generator': () => () => ({
      body: (async function* () {
        yield Buffer.from('streamed');
      })(),
    }),
  },
  expectAborted: (error) => expect(error).toBeInstanceOf(AbortError),
  sourceErrorOf: (error) => (error as RequestError).cause,
});
