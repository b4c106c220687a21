import { once } from 'node:events';
import { Agent, ClientRequest, createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { concealHeader, removeHeader } from '../../src/carry/conceal-header.js';
import { SecretHeader } from '../../src/carry/secret-header.js';
import { expectNowhere } from '../helpers/reachable-texts.js';

const TOKEN = 'eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjF9.$&c2ln';
const HEADER = new SecretHeader('authorization', `Bearer ${TOKEN}`, TOKEN);

let server: Server;
let agent: Agent;
const received: { authorization: string | undefined; body: string }[] = [];

beforeAll(async () => {
  server = createServer(async (message, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk as Buffer);
    received.push({ authorization: message.headers.authorization, body: String(Buffer.concat(chunks)) });
    response.end('ok');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  agent = new Agent({ keepAlive: true, maxSockets: 1 });
});
afterEach(() => {
  received.length = 0;
});
afterAll(() => {
  agent.destroy();
  server.close();
});

const make = (headers: Record<string, string> = {}, method = 'POST') =>
  request({ port: (server.address() as AddressInfo).port, method, headers, agent });

async function finish(sent: ClientRequest): Promise<void> {
  const [response] = await once(sent, 'response');
  await once(response.resume(), 'end');
}

/** Ways to send a body, which Node writes differently. */
const BODIES: Record<string, { send(sent: ClientRequest): void; body: string }> = {
  'no body': { send: (sent) => sent.end(), body: '' },
  text: { send: (sent) => sent.end('text'), body: 'text' },
  bytes: { send: (sent) => sent.end(Buffer.from('bytes')), body: 'bytes' },
  pieces: {
    send: (sent) => {
      sent.write('a');
      sent.write(Buffer.from('b'));
      sent.end('c');
    },
    body: 'abc',
  },
  'a body that looks like the header': {
    send: (sent) => sent.end('\r\nauthorization: Bearer [token]\r\n'),
    body: '\r\nauthorization: Bearer [token]\r\n',
  },
};

describe.each(Object.entries(BODIES))('A request with %s', (_, { send, body }) => {
  it('is sent with the token, which it holds at no time, over one connection again and again', async () => {
    for (let count = 0; count < 3; count++) {
      const sent = make();
      expect(concealHeader(sent, HEADER)).toBe(true);
      send(sent);
      expectNowhere(sent, TOKEN);
      sent.once('socket', () => expectNowhere(sent, TOKEN));
      await finish(sent);
      expectNowhere(sent, TOKEN);
      expect(sent.getHeader('authorization')).toBe('Bearer [token]');
    }
    expect(received).toEqual(Array(3).fill({ authorization: HEADER.value, body }));
  });
});

it('A request without the header on the same connection goes as it is', async () => {
  const first = make();
  concealHeader(first, HEADER);
  first.end();
  await finish(first);
  const second = make({ authorization: 'Bearer [token]' });
  second.end();
  await finish(second);
  expect(received.map(({ authorization }) => authorization)).toEqual([HEADER.value, 'Bearer [token]']);
});

it('A header that is set afterwards is sent in its place', async () => {
  const sent = make();
  concealHeader(sent, HEADER);
  sent.setHeader('authorization', 'own');
  sent.end();
  await finish(sent);
  expect(received[0]?.authorization).toBe('own');
});

it('What a request was made with shows no token either, with the header Expect too', async () => {
  const headers = { authorization: HEADER.value, expect: '100-continue' };
  const sent = make(headers);
  expect(concealHeader(sent, HEADER, headers)).toBe(true);
  expect(headers.authorization).toBe('Bearer [token]');
  sent.once('continue', () => sent.end('text'));
  sent.flushHeaders();
  expectNowhere(sent, TOKEN);
  await finish(sent);
  expect(received).toEqual([{ authorization: HEADER.value, body: 'text' }]);
});

it('A header that is taken off is not sent', async () => {
  const headers: Record<string, string> = { authorization: HEADER.value };
  const sent = make(headers);
  removeHeader(sent, HEADER, headers);
  sent.end();
  await finish(sent);
  expect(received[0]?.authorization).toBeUndefined();
  expect(headers).toEqual({});
});

it('A connection that is never made shows no token', async () => {
  const sent = request({ port: 1, headers: {} });
  concealHeader(sent, HEADER);
  sent.end('text');
  await once(sent, 'error');
  expectNowhere(sent, TOKEN);
});

it('The request of a mock is left as it is', () => {
  class MockedRequest extends ClientRequest {}
  const sent = new MockedRequest(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  expect(concealHeader(sent, HEADER)).toBe(false);
  sent.once('error', () => {});
  sent.destroy();
});
