import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLoopbackCertificate } from '../../src/testing/loopback-certificate.js';
import { rejectionOf } from '../helpers/federation.js';
import { closeAfterTest, closeAllAfterEach, connect, serve } from '../helpers/http-client-scene.js';
import { ProxyServer } from '../helpers/proxy-server.js';
import { ok } from '../helpers/raw-server.js';
import { TlsServer } from '../helpers/tls-server.js';

closeAllAfterEach();

const SECRET = 'hvs.CAESIJ-secret-of-many-characters';
const headers = { 'X-Vault-Token': SECRET };
const certificate = createLoopbackCertificate();
// A host that only the proxy finds; the certificate is for another name.
const ADDRESS = 'https://vault.internal:8200';
const options = { ca: certificate.cert, serverName: 'localhost' };

let server: TlsServer;
let proxy: ProxyServer;

beforeEach(async () => {
  for (const name of ['NODE_OPTIONS', 'NO_PROXY', 'no_proxy', 'HTTP_PROXY', 'http_proxy', 'https_proxy']) {
    vi.stubEnv(name, undefined);
  }
  server = await TlsServer.start(certificate);
  closeAfterTest(() => server.close());
  proxy = await ProxyServer.start(server.origin);
  closeAfterTest(() => proxy.close());
  vi.stubEnv('HTTPS_PROXY', proxy.origin);
  vi.stubEnv('HTTP_PROXY', proxy.origin);
  vi.stubEnv('NODE_USE_ENV_PROXY', '1');
});
afterEach(() => vi.unstubAllEnvs());

describe('The proxy of the environment', () => {
  it('is used where Node uses it, by a tunnel in which it sees no token', async () => {
    const { send } = connect(options);
    expect(await send(ADDRESS, { headers })).toMatchObject({ status: 200, text: '{}' });
    expect(await send(ADDRESS, { headers, method: 'POST', json: { jwt: SECRET } })).toMatchObject({ status: 200 });
    expect(new Set(proxy.tunnels)).toEqual(new Set(['vault.internal:8200']));
    expect(server.requests).toHaveLength(2);
    expect(proxy.received).toMatch(/^CONNECT /);
    expect(proxy.received).not.toContain(SECRET);
  });

  it.each([
    ['--use-env-proxy', '0', true],
    ['--no-use-env-proxy', '1', false],
    ['--max-old-space-size=4096 --use-env-proxy', undefined, true],
    [undefined, '0', false],
    [undefined, undefined, false],
  ])('with NODE_OPTIONS=%s and NODE_USE_ENV_PROXY=%s: %s', async (nodeOptions, useProxy, isUsed) => {
    vi.stubEnv('NODE_OPTIONS', nodeOptions);
    vi.stubEnv('NODE_USE_ENV_PROXY', useProxy);
    expect(await connect(options).send(server.origin)).toMatchObject({ status: 200 });
    expect(proxy.tunnels).toHaveLength(isUsed ? 1 : 0);
  });

  it('is not used for hosts of NO_PROXY', async () => {
    vi.stubEnv('NO_PROXY', '127.0.0.1');
    expect(await connect(options).send(server.origin)).toMatchObject({ status: 200 });
    expect(proxy.connections).toBe(0);
  });

  it('is not used for http:, neither on this machine nor elsewhere', async () => {
    const plain = await serve((socket) => socket.write(ok('{}')));
    const { send } = connect();
    expect(await send(plain.origin, { headers })).toMatchObject({ status: 200 });
    const error = await rejectionOf(send('http://vault.invalid:8200', { headers }));
    expect(error.message).toMatch(/^(the host name cannot be resolved|the DNS server does not answer) \(\w+\)\.$/);
    expect(proxy.connections).toBe(0);
  });

  it('may have dropped tunnels that were idle', async () => {
    const { send } = connect(options);
    await send(ADDRESS);
    await new Promise((resolve) => setTimeout(resolve, 10));
    proxy.drop();
    expect(await send(ADDRESS, { method: 'POST', json: {} })).toMatchObject({ status: 200 });
    expect(proxy.tunnels).toHaveLength(2);
  });

  it.each([
    [407, 'the proxy answers 407 to CONNECT (UND_ERR_ABORTED).'],
    [502, 'the proxy answers 502 to CONNECT (UND_ERR_ABORTED).'],
    ['close' as const, 'the connection was closed before the end of the answer (ECONNRESET).'],
  ])('may answer with %s instead of a tunnel', async (refusal, message) => {
    proxy.refusal = refusal;
    const error = await rejectionOf(connect({ ...options, timeoutMs: 3_000 }).send(ADDRESS));
    expect(error.message).toBe(`${message} A proxy of the environment may be in between (NODE_USE_ENV_PROXY).`);
    expect(proxy.connections).toBe(1);
  });

  it('may not answer, and is not waited for after the time limit', async () => {
    proxy.refusal = 'silence';
    const error = await rejectionOf(connect({ ...options, timeoutMs: 200 }).send(ADDRESS));
    expect(error.message).toBe('no answer within 200 ms (option "timeoutMs").');
    await expect.poll(() => proxy.openConnections, { timeout: 5_000 }).toBe(0);
  });

  it('may be down', async () => {
    await proxy.close();
    const error = await rejectionOf(connect(options).send(ADDRESS));
    expect(error.message).toBe(
      'nothing listens there (ECONNREFUSED). A proxy of the environment may be in between (NODE_USE_ENV_PROXY).',
    );
  });

  it('does not change whom to trust', async () => {
    const error = await rejectionOf(connect({ ...options, ca: createLoopbackCertificate().cert }).send(ADDRESS));
    expect(error).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT', isPermanent: true });
    expect(server.requests).toEqual([]);
  });

  it('lets go of its connections', async () => {
    const { client, send } = connect(options);
    await send(ADDRESS);
    await client.close();
    await expect.poll(() => proxy.openConnections).toBe(0);
  });
});
