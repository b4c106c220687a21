import { inspect } from 'node:util';
import { MockAgent } from 'undici';
import { describe, expect, it } from 'vitest';
import { describeFailure } from '../../src/internal/http-failure.js';
import { rejectionOf } from '../helpers/federation.js';
import { closeAfterTest, closeAllAfterEach, connect, serve } from '../helpers/http-client-scene.js';
import { ok } from '../helpers/raw-server.js';

closeAllAfterEach();

const SECRET = 'hvs.CAESIJ-secret-of-many-characters';

describe('An error', () => {
  it('holds nothing of an answer that cannot be parsed', async () => {
    const server = await serve((socket) => socket.write(`HTTP/1.1 200 OK\r\n${SECRET}\r\n\r\n${SECRET}`));
    const error = await rejectionOf(connect().send(server.origin, { headers: { 'X-Vault-Token': SECRET } }));
    expect(error.message).toBe('the answer is not HTTP/1.1. Check the address and its scheme.');
    expect(Object.getOwnPropertyNames(error).sort()).toEqual(['code', 'isPermanent', 'message', 'name', 'stack']);
    expect(inspect(error)).not.toContain(SECRET);
  });

  it('holds nothing of a header that cannot be sent', async () => {
    const server = await serve(() => {});
    const error = await rejectionOf(connect().send(server.origin, { headers: { 'X-Vault-Token': `${SECRET}\n` } }));
    expect(error).toMatchObject({
      message: 'the request cannot be sent: invalid X-Vault-Token header (UND_ERR_INVALID_ARG).',
      isPermanent: true,
    });
    expect(inspect(error)).not.toContain(SECRET);
  });

  it.each(['header', 'body', 'form'])('of somebody else that quotes the %s does not either', async (part) => {
    const agent = new MockAgent();
    closeAfterTest(() => agent.close());
    agent.disableNetConnect();
    const failure = new Error(`refused ${SECRET.slice(0, -5)}\n\u001b[31m of ${SECRET}`);
    agent.get('https://vault.internal').intercept({ path: '/', method: 'POST' }).replyWithError(failure);
    const request =
      part === 'header'
        ? { headers: { 'X-Vault-Token': SECRET } }
        : part === 'form'
          ? { form: new URLSearchParams({ jwt: SECRET }) }
          : { json: { jwt: SECRET } };
    const error = await rejectionOf(
      connect({ dispatcher: agent }).send('https://vault.internal', { method: 'POST', ...request }),
    );
    expect(error.message).toBe('refused [token]\ufffd\ufffd[31m of [token].');
    expect(inspect(error)).not.toContain(SECRET.slice(0, 16));
  });

  it('of a host name that DNS does not know says so', async () => {
    const error = await rejectionOf(connect().send('https://no-such-host.invalid'));
    expect(error.message).toMatch(
      /^(the host name cannot be resolved \(ENOTFOUND\)|the DNS server does not answer \(EAI_AGAIN\))\.$/,
    );
  });

  it.each([
    ['Go (Vault, kube-apiserver)', 'Client sent an HTTP request to an HTTPS server.\n'],
    ['nginx', '<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>\r\n'],
  ])('of http: to a port for TLS of %s names the cure', async (_, text) => {
    const server = await serve((socket) =>
      socket.end(`HTTP/1.1 400 Bad Request\r\nContent-Length: ${text.length}\r\n\r\n${text}`),
    );
    const error = await rejectionOf(connect().send(server.origin));
    expect(error).toMatchObject({
      message: 'the server speaks TLS on that port. Use "https:" in the address.',
      isPermanent: true,
    });
  });

  it('of another scheme is permanent', async () => {
    const error = await rejectionOf(connect().send('ftp://127.0.0.1'));
    expect(error).toMatchObject({ message: expect.stringMatching(/^the request cannot be sent: /), isPermanent: true });
  });

  it.each([
    ['CERT_HAS_EXPIRED', 'the certificate has expired (CERT_HAS_EXPIRED).', true],
    ['CERT_NOT_YET_VALID', 'the certificate is not valid yet (CERT_NOT_YET_VALID). Compare the clocks.', true],
    ['CERT_REVOKED', 'the certificate is not accepted (CERT_REVOKED).', true],
    [
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'the certificate is signed by an unknown authority (UNABLE_TO_GET_ISSUER_CERT_LOCALLY). Set the option "ca".',
      true,
    ],
    ['EHOSTUNREACH', 'there is no route to the host (EHOSTUNREACH). Check the network policy.', false],
    ['ENOTFOUND', 'the host name cannot be resolved (ENOTFOUND).', false],
    ['EMFILE', 'too many (EMFILE).', false],
    [undefined, 'too many.', false],
  ])('with the code %s has a clause for people', (code, message, isPermanent) => {
    const error = Object.assign(new Error('too many.'), { code });
    expect(describeFailure(error, { hasCa: false, mayUseProxy: false, sent: [] })).toMatchObject({
      message,
      isPermanent,
    });
  });

  it('of several addresses has the code of the first', () => {
    const error = new AggregateError([Object.assign(new Error(), { code: 'ETIMEDOUT' }), new Error()], '');
    expect(describeFailure(error, { hasCa: false, mayUseProxy: false, sent: [] }).message).toBe(
      'the connection timed out (ETIMEDOUT). Check the network policy.',
    );
  });
});

describe('The option "dispatcher"', () => {
  it('sends the requests, and is not closed', async () => {
    const server = await serve((socket) => socket.write(ok('{"a":1}', 'X-A: 1\r\n')));
    const agent = new MockAgent();
    closeAfterTest(() => agent.close());
    agent.enableNetConnect();
    const { client, send } = connect({ dispatcher: agent });
    expect(await send(server.origin)).toMatchObject({ status: 200, headers: { 'x-a': '1' }, text: '{"a":1}' });
    await client.close();
    expect((await agent.request({ origin: server.origin, path: '/', method: 'GET' })).statusCode).toBe(200);
  });
});
