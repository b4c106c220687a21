import { once } from 'node:events';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { withToken } from 'projected-token/fetch';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLoopbackCertificate } from '../../src/testing/loopback-certificate.js';
import { FixedTokenSource } from '../helpers/http-token-source.js';

type Agent = NonNullable<RequestInit['dispatcher']> & { destroy(): Promise<void> };

// Node sets its own dispatcher when it loads its fetch.
void globalThis.Response;
/** The agent of the undici that is in Node; since Node 26, it is at the first of these places. */
const NodeAgent = ['undici.globalDispatcher.2', 'undici.globalDispatcher.1']
  .map((name) => (globalThis as unknown as Record<symbol, object | undefined>)[Symbol.for(name)])
  .find((dispatcher) => dispatcher?.constructor.name === 'Agent')!.constructor as new (
  options: object,
) => Agent;

describe('Over HTTP/2, a refusal', () => {
  let server: Http2SecureServer;
  let origin: string;
  let source: FixedTokenSource;
  let agent: Agent;
  let send: () => Promise<Response>;
  let body: string;

  beforeEach(async () => {
    const { key, cert } = createLoopbackCertificate();
    server = createSecureServer({ key, cert }).on('stream', (stream, { authorization }) => {
      const status = authorization === source.value(2) ? 200 : 401;
      stream.respond({ ':status': status }, { endStream: body === '' });
      if (body !== '') stream.end(body);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    source = new FixedTokenSource();
    agent = new NodeAgent({ allowH2: true, connect: { ca: cert } });
    const client = withToken(fetch, source, { origins: [origin] });
    send = () => client(`${origin}/`, { dispatcher: agent });
  });

  afterEach(async () => {
    await agent.destroy();
    server.close();
  });

  it.each([
    ['without a body', ''],
    ['with a body', 'who are you?'],
  ])('%s is handed on, or followed by a second attempt', async (_, text) => {
    body = text;
    const { replaceToken } = source;
    source.replaceToken = async () => {
      // Answered later on the same connection, so all of the refusal has come by then.
      await fetch(`${origin}/ping`, { dispatcher: agent } as RequestInit).then((pong) => pong.text());
      return undefined;
    };
    const refused = await send();
    expect([refused.status, await refused.text()]).toEqual([401, text]);
    source.replaceToken = replaceToken;
    const accepted = await send();
    expect([accepted.status, await accepted.text()]).toEqual([200, text]);
  });
});
