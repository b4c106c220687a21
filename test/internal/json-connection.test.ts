import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { JsonConnection, type JsonRequest, urlUnder } from '../../src/internal/json-connection.js';
import { createLoopbackCertificate } from '../../src/testing/loopback-certificate.js';
import { type LoopbackResponse, LoopbackServer } from '../../src/testing/loopback-server.js';
import { rejectionOf } from '../helpers/federation.js';
import { ok, RawServer } from '../helpers/raw-server.js';

const MEGABYTE = 1024 * 1024;
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function serve(answer: Parameters<typeof RawServer.start>[0]): Promise<RawServer> {
  const server = await RawServer.start(answer);
  closers.push(() => server.close());
  return server;
}

/** A connection, and what sends a request over it. */
function connect(options: Partial<ConstructorParameters<typeof JsonConnection>[0]> = {}) {
  const connection = new JsonConnection({ ca: undefined, timeoutMs: 20_000, ...options });
  closers.push(() => connection.close());
  const send = (origin: string, request: Partial<JsonRequest> = {}) =>
    connection.send({ method: 'GET', url: new URL(origin), ...request });
  return { connection, send };
}

describe('A request', () => {
  it('is sent as JSON with its headers, and the answer read to the end', async () => {
    const server = await serve((socket) => {
      socket.write(ok('{"received":true}', 'X-Request-Id: 7\r\n').slice(0, -9));
      setImmediate(() => socket.write(ok('{"received":true}').slice(-9)));
    });
    const url = new URL('/v1/login?a=b', server.origin);
    const answer = await connect().send(server.origin, {
      method: 'POST',
      url,
      headers: { 'X-A': '1' },
      json: { ü: 1 },
    });
    expect(answer).toMatchObject({ status: 200, body: '{"received":true}', headers: { 'x-request-id': '7' } });
    const [head, body] = Buffer.from(server.requests[0]!, 'latin1').toString().split('\r\n\r\n');
    expect(head).toMatch(/^POST \/v1\/login\?a=b HTTP\/1.1\r\n/);
    const headers = ['Accept: application/json', 'X-A: 1', 'Content-Type: application/json', 'Content-Length: 8'];
    for (const header of headers) expect(head).toContain(`\r\n${header}`);
    expect(body).toBe('{"ü":1}');
  });

  it('without a body has no type and no length', async () => {
    const server = await serve((socket) => socket.write(ok('')));
    await connect().send(server.origin);
    expect(server.requests[0]).toMatch(/^GET \/ HTTP/);
    expect(server.requests[0]).not.toMatch(/^content-/im);
  });

  it('does not follow a redirect', async () => {
    const redirect = 'HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n';
    const server = await serve((socket) => socket.write(redirect));
    expect(await connect().send(server.origin)).toMatchObject({ status: 307, headers: { location: '/elsewhere' } });
    expect(server.requests).toHaveLength(1);
  });

  it('may have an answer of a megabyte, and no more', async () => {
    let length = MEGABYTE;
    const server = await serve((socket) => socket.write(ok('a'.repeat(length))));
    const { send } = connect();
    expect((await send(server.origin)).body).toHaveLength(MEGABYTE);
    length++;
    expect((await rejectionOf(send(server.origin))).message).toBe(`The answer is longer than ${MEGABYTE} bytes.`);
  });
});

describe('Connections', () => {
  it('are used again, and end with close', async () => {
    const server = await serve((socket) => socket.write(ok('{}')));
    const { connection, send } = connect();
    await send(server.origin);
    await send(server.origin);
    expect(server.connections).toBe(1);
    connection.close();
    await expect.poll(() => server.openConnections).toBe(0);
  });

  it('that the server closed in the moment of their use are replaced by another', async () => {
    const seen = new WeakSet();
    const server = await serve((socket) => {
      if (seen.has(socket)) return socket.resetAndDestroy();
      seen.add(socket);
      return socket.write(ok('{}'));
    });
    const { send } = connect();
    await send(server.origin);
    expect(await send(server.origin, { method: 'POST', json: { a: 1 } })).toMatchObject({ status: 200, body: '{}' });
    expect(server.requests).toHaveLength(3);
  });

  it('that are new and break do not lead to another request', async () => {
    const server = await serve((socket) => socket.resetAndDestroy());
    expect(await rejectionOf(connect().send(server.origin))).toHaveProperty('code', 'ECONNRESET');
    expect(server.requests).toHaveLength(1);
  });

  it('that break within an answer do not either', async () => {
    let answer = ok('{}');
    const server = await serve((socket) => socket.write(answer, () => answer.length > 100 && socket.resetAndDestroy()));
    const { send } = connect();
    await send(server.origin);
    answer = ok('{"a":"'.padEnd(200)).slice(0, -50);
    expect(await rejectionOf(send(server.origin))).toHaveProperty('code', 'ECONNRESET');
    expect(server.requests).toHaveLength(2);
  });

  it('that are refused reject with the code of the system', async () => {
    const server = await RawServer.start(() => {});
    const { origin } = server;
    await server.close();
    expect(await rejectionOf(connect().send(origin))).toHaveProperty('code', 'ECONNREFUSED');
  });
});

describe('Patience', () => {
  it.each<[string, Parameters<typeof RawServer.start>[0]]>([
    ['no answer', () => {}],
    ['headers that do not end', (socket) => socket.write('HTTP/1.1 200 OK\r\nX-A: 1\r\n')],
    ['a body that does not end', (socket) => socket.write(ok('{}').slice(0, -1))],
    [
      'an answer that comes byte by byte',
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n');
        const timer = setInterval(() => socket.write(' '), 10);
        socket.once('close', () => clearInterval(timer));
      },
    ],
  ])('ends with %s', async (_what, answer) => {
    const server = await serve(answer);
    const { signal } = new AbortController();
    const error = await rejectionOf(connect({ timeoutMs: 100 }).send(server.origin, { signal }));
    expect(error.message).toMatch(/aborted/);
    await expect.poll(() => server.openConnections).toBe(0);
  });

  it("ends with the caller's signal", async () => {
    const controller = new AbortController();
    const server = await serve(() => controller.abort());
    const error = await rejectionOf(connect().send(server.origin, { signal: controller.signal }));
    expect(error).toHaveProperty('code', 'ABORT_ERR');
    await expect.poll(() => server.openConnections).toBe(0);
  });

  it('has none for a signal that has aborted', async () => {
    const server = await serve(() => {});
    await rejectionOf(connect().send(server.origin, { signal: AbortSignal.abort() }));
    expect(server.requests).toEqual([]);
  });
});

describe('TLS', () => {
  async function serveTls(response: LoopbackResponse) {
    const certificate = createLoopbackCertificate();
    const server = await LoopbackServer.start(async () => response, certificate);
    closers.push(() => server.close());
    return { origin: server.origin, ca: certificate.cert };
  }

  it.each<[string, (ca: string) => NonNullable<Parameters<typeof connect>[0]>['ca']]>([
    ['text', (ca) => ca],
    ['bytes', (ca) => Buffer.from(ca)],
    ['one of a list', (ca) => [createLoopbackCertificate().cert, Buffer.from(ca)]],
  ])('trusts a CA given as %s', async (_what, given) => {
    const { origin, ca } = await serveTls({ status: 204 });
    expect(await connect({ ca: given(ca) }).send(origin)).toMatchObject({ status: 204, body: '' });
  });

  it.each([
    ['another CA', { ca: createLoopbackCertificate().cert }],
    ['the authorities of Node', {}],
  ])('does not trust a server that %s does not vouch for', async (_what, options) => {
    const { origin } = await serveTls({ status: 200 });
    const error = await rejectionOf(connect(options).send(origin));
    expect(error).toMatchObject({
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
      message: expect.stringMatching(/^self-signed certificate/),
    });
  });
});

describe('An error', () => {
  const SECRET = 'hvs.CAESIJ-secret';

  it('holds nothing of an answer that cannot be parsed', async () => {
    const server = await serve((socket) => socket.write(`HTTP/1.1 200 OK\r\n${SECRET}\r\n\r\n${SECRET}`));
    const error = await rejectionOf(connect().send(server.origin, { headers: { 'X-Vault-Token': SECRET } }));
    expect(error.code).toMatch(/^HPE_/);
    // Node's own has the bytes in a Buffer.
    expect(Object.getOwnPropertyNames(error).sort()).toEqual(['code', 'message', 'stack']);
    expect(inspect(error)).not.toContain(SECRET);
  });

  it('holds nothing of a header that cannot be sent', async () => {
    const server = await serve(() => {});
    const error = await rejectionOf(connect().send(server.origin, { headers: { 'X-Vault-Token': `${SECRET}\n` } }));
    expect(error).toHaveProperty('code', 'ERR_INVALID_CHAR');
    expect(inspect(error)).not.toContain(SECRET);
  });
});

describe('urlUnder', () => {
  it.each([
    ['https://vault.internal:8200', 'https://vault.internal:8200/v1/a'],
    ['https://vault.internal:8200/', 'https://vault.internal:8200/v1/a'],
    ['https://proxy.internal/vault', 'https://proxy.internal/vault/v1/a'],
    ['https://proxy.internal/vault/', 'https://proxy.internal/vault/v1/a'],
  ])('%s', (server, expected) => {
    expect(urlUnder(new URL(server), '/v1/a').href).toBe(expected);
  });
});
