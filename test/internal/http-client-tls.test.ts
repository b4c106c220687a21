import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import type { TlsOptions } from 'node:tls';
import { describe, expect, it } from 'vitest';
import type { ConnectionOptions } from '../../src/internal/connection-options.js';
import { createLoopbackCertificate } from '../../src/testing/loopback-certificate.js';
import { rejectionOf } from '../helpers/federation.js';
import { closeAfterTest, closeAllAfterEach, connect } from '../helpers/http-client-scene.js';
import { temporaryDirectory } from '../helpers/temporary-directory.js';
import { TlsServer } from '../helpers/tls-server.js';

closeAllAfterEach();

const certificate = createLoopbackCertificate();
const other = createLoopbackCertificate();

async function serveTls(options: TlsOptions = {}, host?: string): Promise<TlsServer> {
  const server = await TlsServer.start({ ...certificate, ...options }, { host });
  closeAfterTest(() => server.close());
  return server;
}

/** A server that says this to whatever comes first. */
async function serveReply(reply: string | Buffer): Promise<string> {
  const server = createServer((socket) => {
    socket.once('data', () => socket.end(reply)).on('error', () => {});
  }).listen(0, '127.0.0.1');
  closeAfterTest(() => server.close());
  await once(server, 'listening');
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function fileWith(content: string): Promise<string> {
  const path = join(await temporaryDirectory(), 'file.pem');
  await writeFile(path, content);
  return path;
}

describe('The option "ca"', () => {
  it.each<[string, () => Promise<ConnectionOptions['ca']>]>([
    ['text', async () => certificate.cert],
    ['bytes', async () => Buffer.from(certificate.cert)],
    ['the path of a file', () => fileWith(certificate.cert)],
    ['a function', async () => () => certificate.cert],
    ['a function that resolves with the path of a file', async () => () => fileWith(certificate.cert)],
    ['one of a list', async () => [other.cert, Buffer.from(certificate.cert)]],
    ['one of a bundle', () => fileWith(other.cert + certificate.cert)],
  ])('may be %s', async (_what, given) => {
    const server = await serveTls();
    expect(await connect({ ca: await given() }).send(server.origin)).toMatchObject({ status: 200, text: '{}' });
  });

  it.each([
    ['another CA', { ca: other.cert }, 'The option "ca" does not hold the one that signed it.'],
    ['the CAs of Node', {}, 'Set the option "ca".'],
  ])('decides: a server that %s did not sign for is not trusted', async (_what, options, advice) => {
    const server = await serveTls();
    expect(await rejectionOf(connect(options).send(server.origin))).toMatchObject({
      message: `the certificate is signed by an unknown authority (DEPTH_ZERO_SELF_SIGNED_CERT). ${advice}`,
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
      isPermanent: true,
    });
    expect(server.requests).toEqual([]);
    // One that never changes is not worth another attempt.
    expect(server.connections).toBe(1);
  });

  it.each<[string, () => Promise<ConnectionOptions['ca']>, RegExp, isPermanent: boolean]>([
    [
      'a file that is missing',
      async () => '/nowhere/ca.crt',
      /^the file "\/nowhere\/ca\.crt" of the option "ca" cannot be read \(ENOENT\)\.$/,
      false,
    ],
    [
      'a file of something else',
      () => fileWith('hello'),
      /^the option "ca", ".*file\.pem", holds no certificate in PEM\.$/,
      true,
    ],
    [
      'text of something else',
      async () => '-----BEGIN nothing',
      /^the option "ca" holds no certificate in PEM\.$/,
      true,
    ],
    [
      'a function that throws',
      async () => () => {
        throw Object.assign(new Error('secret'), { code: 'EACCES' });
      },
      /^the function of the option "ca" failed \(EACCES\)\.$/,
      false,
    ],
    [
      'a function of nothing',
      async () => () => undefined as never,
      /^the function of the option "ca" gave neither a string nor a Buffer\.$/,
      true,
    ],
  ])('says what is wrong with %s', async (_what, given, message, isPermanent) => {
    const server = await serveTls();
    const error = await rejectionOf(connect({ ca: await given() }).send(server.origin));
    expect(error).toMatchObject({ message: expect.stringMatching(message), isPermanent });
    expect(server.connections).toBe(0);
  });
});

describe('The option "clientCertificate"', () => {
  const wanting = { requestCert: true, ca: other.cert };
  const { cert: ca } = certificate;

  it.each([
    ['as text', async () => other],
    ['as files', async () => ({ cert: await fileWith(other.cert), key: await fileWith(other.key) })],
  ])('identifies this client, given %s', async (_how, given) => {
    const server = await serveTls(wanting);
    expect(await connect({ ca, clientCertificate: await given() }).send(server.origin)).toMatchObject({ status: 200 });
  });

  it.each([
    ['handshake_failure', 40],
    ['bad_certificate', 42],
    ['certificate_unknown', 46],
    ['unknown_ca', 48],
    ['certificate_required', 116],
  ])('is asked for when the server answers with the alert %s', async (_name, alert) => {
    // A record with a fatal alert, as Go's servers send it (RFC 8446 section 6).
    const origin = await serveReply(Buffer.from([21, 3, 3, 0, 2, 2, alert]));
    expect(await rejectionOf(connect().send(origin))).toMatchObject({
      message: expect.stringMatching(
        /^the server does not accept the certificate of this client \(ERR_SSL_[\w/]+\)\. Check the option "clientCertificate"\.$/,
      ),
      isPermanent: true,
    });
  });

  it('that is missing or not accepted leads to an error from a server that closes, too', async () => {
    const server = await serveTls(wanting);
    for (const clientCertificate of [undefined, createLoopbackCertificate()]) {
      const error = await rejectionOf(connect({ ca, clientCertificate }).send(server.origin));
      expect(error).toMatchObject({ name: 'HttpError', message: expect.stringMatching(/^the /) });
    }
    expect(server.requests).toEqual([]);
  });

  it('must be of one pair', async () => {
    const server = await serveTls(wanting);
    const clientCertificate = { cert: other.cert, key: certificate.key };
    expect(await rejectionOf(connect({ ca, clientCertificate }).send(server.origin))).toMatchObject({
      message:
        'the client certificate and its key cannot be used (ERR_OSSL_X509_KEY_VALUES_MISMATCH). Check "clientCertificate".',
      isPermanent: true,
    });
  });
});

describe('The option "serverName"', () => {
  it('is the name that the certificate must be for', async () => {
    const server = await serveTls({}, '127.0.0.2');
    const { cert: ca } = certificate;
    expect(await rejectionOf(connect({ ca }).send(server.origin))).toMatchObject({
      message:
        'the certificate is for another host name (ERR_TLS_CERT_ALTNAME_INVALID). Check the address, or set the option "serverName".',
      isPermanent: true,
    });
    expect(await connect({ ca, serverName: 'localhost' }).send(server.origin)).toMatchObject({ status: 200 });
  });
});

describe('A server that does not speak TLS', () => {
  it('is told from one that is not trusted', async () => {
    const server = await serveTls();
    const plain = await rejectionOf(connect().send(server.origin.replace('https:', 'http:')));
    expect(plain.message).toMatch(/^(the answer is not HTTP\/1\.1|the connection was closed)/);
    const origin = await serveReply('HTTP/1.1 400 Bad Request\r\n\r\n');
    expect(await rejectionOf(connect().send(origin))).toMatchObject({
      message: expect.stringMatching(
        /^the server does not speak TLS on that port \(ERR_SSL_[\w/]+\)\. Check the address\.$/,
      ),
      isPermanent: true,
    });
  });
});
