import { Readable } from 'node:stream';
import { withToken } from 'projected-token/fetch';
import * as undici from 'undici';
import { expect } from 'vitest';
import { describeClientContract } from '../helpers/http-client-contract.js';

const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => index % 251);

const FETCHES = {
  'the global fetch': { fetch, Request, FormData },
  "undici's fetch": {
    fetch: undici.fetch as unknown as typeof fetch,
    Request: undici.Request,
    FormData: undici.FormData,
  },
};

for (const [name, platform] of Object.entries(FETCHES)) {
  describeClientContract({
    name,
    followsRedirects: true,
    withToken(source, options) {
      const send = withToken(platform.fetch, source, options);
      return async ({ url, body, ...init }) => {
        const isStream =
          typeof body === 'object' && body !== null && ('getReader' in body || Symbol.asyncIterator in body);
        const request = typeof body === 'function' ? (body(url, init) as Request) : url;
        const given = typeof body === 'function' ? undefined : (body as string | undefined);
        const response = await send(request, { ...init, body: given, ...(isStream && { duplex: 'half' }) });
        return { status: response.status, body: await response.text(), shown: response };
      };
    },
    replayableBodies: {
      text: () => ({ body: 'Grüße', bytes: 'Grüße' }),
      'an ArrayBuffer': () => ({ body: bytes.slice().buffer, bytes }),
      'a typed array': () => ({ body: bytes.subarray(7, 70_000), bytes: bytes.subarray(7, 70_000) }),
      'a DataView': () => ({ body: new DataView(bytes.buffer, 5, 500), bytes: bytes.subarray(5, 505) }),
      'a Buffer': () => ({ body: Buffer.from('some bytes'), bytes: 'some bytes' }),
      'a Blob': () => ({ body: new Blob([bytes], { type: 'application/x-bytes' }), bytes }),
      URLSearchParams: () => ({ body: new URLSearchParams({ a: '1', b: 'ä' }), bytes: 'a=1&b=%C3%A4' }),
      FormData: () => {
        const form = new platform.FormData();
        form.append('field', 'value');
        form.append('file', new Blob([bytes]), 'bytes.bin');
        return { body: form };
      },
      'a Request': () => ({
        body: (url: string, init: object) => new platform.Request(url, { ...init, body: 'in a Request' }),
        bytes: 'in a Request',
      }),
    },
    oneShotBodies: {
      'a web stream': () => new Blob(['streamed']).stream(),
      'an async generator': async function* () {
        yield new TextEncoder().encode('streamed');
      },
      'a Node stream': () => Readable.from([Buffer.from('streamed')]),
    },
    expectAborted: (error, reason) => expect(error).toBe(reason),
  });
}
