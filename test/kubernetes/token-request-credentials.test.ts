import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { KubeConfig } from '@kubernetes/client-node';
import { InvalidOptionError, ProjectedTokenProvider } from 'projected-token';
import { TokenRequestProvider, withToken } from 'projected-token/kubernetes';
import { type EmbeddedApiServer, TokenVolume } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLoopbackCertificate } from '../../src/testing/loopback-certificate.js';
import { base64, kubeConfigOf } from '../helpers/api-server.js';
import { expectNoToken } from '../helpers/federation.js';
import { nextFailure, tokenRequests } from '../helpers/token-requests.js';

const { startServer, makeProvider, open, caller } = tokenRequests();
let server: EmbeddedApiServer;
let directory: string;

beforeEach(async () => {
  server = await startServer();
  directory = await mkdtemp(join(tmpdir(), 'kubernetes-'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

async function write(name: string, content: string): Promise<string> {
  const path = join(directory, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, content);
  return path;
}

/** A kubeconfig file, in JSON, which is YAML as well. */
async function writeKubeConfig(name: string, user: object): Promise<string> {
  await write('ca.crt', server.ca!);
  const cluster = { server: server.origin, 'certificate-authority': join(directory, 'ca.crt') };
  return write(
    name,
    JSON.stringify({
      clusters: [{ name: 'test', cluster }],
      users: [{ name: 'robot', user }],
      contexts: [{ name: 'ci', context: { cluster: 'test', user: 'robot' } }],
      'current-context': 'ci',
    }),
  );
}

/** Like what cloud vendors have users log in with. */
function execPlugin(token: string) {
  const status = { kind: 'ExecCredential', apiVersion: 'client.authentication.k8s.io/v1', status: { token } };
  const print = 'process.stdout.write(process.env.CREDENTIAL)';
  const env = [{ name: 'CREDENTIAL', value: JSON.stringify(status) }];
  return { apiVersion: status.apiVersion, command: process.execPath, args: ['-e', print], env };
}

describe('The API server is asked with', () => {
  it.each<[string, () => object | Promise<object>]>([
    ['a token', () => ({ token: caller() })],
    ['a credential plugin', () => ({ exec: execPlugin(caller()) })],
  ])('%s of the file that KUBECONFIG names', async (_what, user) => {
    vi.stubEnv('KUBECONFIG', await writeKubeConfig('some.kubeconfig', await user()));
    const provider = await open({ kubeConfig: undefined });
    expect(provider.status.state).toBe('ready');
  });

  it('the credentials of ~/.kube/config', async () => {
    await writeKubeConfig('.kube/config', { token: caller() });
    vi.stubEnv('KUBECONFIG', undefined);
    vi.stubEnv('HOME', directory);
    const provider = await open({ kubeConfig: undefined });
    expect(provider.status.state).toBe('ready');
  });

  it("the pod's own token", async () => {
    const { hostname, port } = new URL(server.origin);
    vi.stubEnv('KUBERNETES_SERVICE_HOST', hostname);
    vi.stubEnv('KUBERNETES_SERVICE_PORT', port);
    const volume = new TokenVolume({
      directory: join(directory, 'var/run/secrets/kubernetes.io/serviceaccount'),
      fileName: 'token',
      files: { 'ca.crt': server.ca!, namespace: 'ci' },
    });
    volume.write(caller());
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromCluster(directory);
    const provider = await open({ kubeConfig });
    expect(provider.status.state).toBe('ready');
  });

  it('the token of a projected volume that has just been rotated, where withToken made the configuration', async () => {
    const volume = TokenVolume.temporary(directory);
    volume.write(caller());
    await using source = await ProjectedTokenProvider.open({ path: volume.path });
    const provider = await open({ kubeConfig: withToken(kubeConfigOf(server, {}), source) });
    await server.rotateKey({ forgetOld: true });
    volume.write((await server.createToken('ci', 'robot')).token);
    const token = await provider.getToken();
    expect(await provider.replaceToken(token)).not.toBe(token);
    expect(provider.status).toMatchObject({ lastError: undefined, counts: { requests: 2, failures: 0 } });
  });

  describe('a client certificate', () => {
    const client = createLoopbackCertificate();
    const certificate = createLoopbackCertificate();
    let strict: Server;
    let isAuthorized: boolean | undefined;

    beforeEach(async () => {
      isAuthorized = undefined;
      const tls = { ...certificate, requestCert: true, rejectUnauthorized: false, ca: client.cert };
      strict = createServer(tls, (request, response) => {
        isAuthorized = (request.socket as TLSSocket).authorized;
        const expirationTimestamp = new Date(Date.now() + 3_600_000).toISOString();
        response.writeHead(isAuthorized ? 201 : 401, { 'Content-Type': 'application/json' });
        response.end(JSON.stringify({ status: { token: 'issued', expirationTimestamp } }));
      });
      await new Promise<void>((resolve) => strict.listen(0, '127.0.0.1', resolve));
    });
    afterEach(() => new Promise((resolve) => strict.close(resolve).closeAllConnections()));

    const kubeConfig = (user: object) => {
      const origin = `https://127.0.0.1:${(strict.address() as AddressInfo).port}`;
      return kubeConfigOf({ origin, ca: certificate.cert }, user);
    };

    it('that the user has', async () => {
      const user = { certData: base64(client.cert), keyData: base64(client.key) };
      const provider = await open({ kubeConfig: kubeConfig(user) });
      expect(await provider.getToken()).toBe('issued');
    });

    it('and refuses who has none', async () => {
      const provider = makeProvider({ kubeConfig: kubeConfig({}) });
      const failure = nextFailure(provider);
      await expect(provider.start()).rejects.toHaveProperty('code', 'ERR_EXCHANGE_DENIED');
      expect(isAuthorized).toBe(false);
      expect(await failure).toHaveProperty('status', 401);
    });
  });
});

describe('Without a cluster', () => {
  const options = { namespace: 'shop', serviceAccount: 'app' };

  function refusal(make: () => unknown): Error & { cause?: unknown } {
    try {
      make();
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidOptionError);
      expect(error).toHaveProperty('option', 'kubeConfig');
      return error as Error;
    }
    throw new Error('It was not refused.');
  }

  it('there is nobody to ask, which is said at once', () => {
    refusal(() => new TokenRequestProvider({ ...options, kubeConfig: new KubeConfig() }));
  });

  it('because the file is missing, the cause says so', () => {
    vi.stubEnv('KUBECONFIG', join(directory, 'missing'));
    expect(refusal(() => new TokenRequestProvider(options)).cause).toHaveProperty('code', 'ENOENT');
  });

  it('because the file is no YAML, nothing of what is in the file is told', async () => {
    vi.stubEnv('KUBECONFIG', await write('broken', `users: [{user: {token: ${caller()}: }}`));
    expectNoToken(
      refusal(() => new TokenRequestProvider(options)),
      caller(),
    );
  });
});
