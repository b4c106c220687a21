import ky, { type KyInstance } from 'ky';
import { withToken } from 'projected-token/fetch';
import { expect } from 'vitest';
import type { ContractClient } from '../helpers/contract-client.js';
import { describeClientContract } from '../helpers/http-client-contract.js';

const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => index % 251);
const stream = (text: string) => new Blob([text]).stream();

const CLIENTS: Record<string, (fetch: typeof globalThis.fetch) => KyInstance> = {
  ky: (fetch) => ky.create({ fetch, retry: 0, throwHttpErrors: false }),
  'ky without a timeout': (fetch) => ky.create({ fetch, retry: 0, throwHttpErrors: false, timeout: false }),
};

const replayableBodies: ContractClient['replayableBodies'] = {
  text: () => ({ body: 'Grüße', bytes: 'Grüße' }),
  'an ArrayBuffer': () => ({ body: bytes.slice().buffer, bytes }),
  'a typed array': () => ({ body: bytes.subarray(7, 70_000), bytes: bytes.subarray(7, 70_000) }),
  'a Blob': () => ({ body: new Blob([bytes], { type: 'application/x-bytes' }), bytes }),
  URLSearchParams: () => ({ body: new URLSearchParams({ a: '1', b: 'ä' }), bytes: 'a=1&b=%C3%A4' }),
  FormData: () => {
    const form = new FormData();
    form.append('field', 'value');
    form.append('file', new Blob([bytes]), 'bytes.bin');
    return { body: form };
  },
  // ky makes a Request of everything, so that nothing tells it from the others.
  'a web stream': () => ({ body: stream('streamed'), bytes: 'streamed' }),
};

for (const [name, create] of Object.entries(CLIENTS)) {
  describeClientContract({
    name,
    followsRedirects: true,
    withToken(source, options) {
      const client = create(withToken(fetch, source, options));
      return async ({ url, body, ...init }) => {
        const response = await client(url, { ...init, body: body as RequestInit['body'] });
        return { status: response.status, body: await response.text(), shown: response };
      };
    },
    replayableBodies,
    oneShotBodies: {
      'a stream that is too long to be kept': () => stream('streamed'.repeat(1_500_000)),
    },
    expectAborted: (error, reason) => expect(error).toBe(reason),
  });
}
