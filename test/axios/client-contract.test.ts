import { Readable } from 'node:stream';
import axios, { type AxiosError, type AxiosResponse } from 'axios';
import { withToken } from 'projected-token/axios';
import { expect } from 'vitest';
import { describeClientContract } from '../helpers/http-client-contract.js';

const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => index % 251);

for (const adapter of ['http', 'fetch']) {
  describeClientContract({
    name: `axios with its ${adapter} adapter`,
    followsRedirects: true,
    withToken(source, options) {
      const client = withToken(axios.create({ adapter, responseType: 'text' }), source, options);
      return async ({ body, ...request }) => {
        const seen = await client.request({ ...request, data: body }).then(
          (response) => ({ shown: response, response }),
          (error: AxiosError) => {
            if (!error.response || error.response.status < 400) throw error;
            return { shown: error, response: error.response };
          },
        );
        const { status, data }: AxiosResponse = seen.response;
        return { status, body: data, shown: seen.shown };
      };
    },
    replayableBodies: {
      text: () => ({ body: 'Grüße', bytes: 'Grüße' }),
      'an object': () => ({ body: { a: 1, b: ['ä'] }, bytes: '{"a":1,"b":["ä"]}' }),
      'an ArrayBuffer': () => ({ body: bytes.slice().buffer, bytes }),
      'a typed array': () => ({ body: bytes, bytes }),
      'a Buffer': () => ({ body: Buffer.from('some bytes'), bytes: 'some bytes' }),
      'a Blob': () => ({ body: new Blob([bytes], { type: 'application/x-bytes' }), bytes }),
      URLSearchParams: () => ({ body: new URLSearchParams({ a: '1', b: 'ä' }), bytes: 'a=1&b=%C3%A4' }),
      FormData: () => {
        const form = new FormData();
        form.append('field', 'value');
        form.append('file', new Blob([bytes]), 'bytes.bin');
        return { body: form };
      },
    },
    oneShotBodies: {
      'a Node stream': () => Readable.from([Buffer.from('streamed')]),
    },
    expectAborted: (error) => expect(error).toBeInstanceOf(axios.CanceledError),
    sourceErrorOf: (error) => (adapter === 'fetch' ? (error as AxiosError).cause : error),
  });
}
