import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createLoopbackCertificate } from '../../src/testing/loopback-certificate.js';
import { REPOSITORY } from '../helpers/built-package.js';
import { closeAfterTest, closeAllAfterEach, serve } from '../helpers/http-client-scene.js';
import { ProxyServer } from '../helpers/proxy-server.js';
import { temporaryDirectory } from '../helpers/temporary-directory.js';
import { TlsServer } from '../helpers/tls-server.js';

closeAllAfterEach();

/** Status and milliseconds: undici ends an idle connection after 4 s, so fewer say that it did not keep the process alive. */
const ENDED_AT_ONCE = /^200\n[0-2]?\d{1,3}$/;

/** Runs a process that sends one request; resolves with what it printed once it has ended by itself. */
async function sendInProcess(args: string[], nodeOptions: string[] = [], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const program = [...nodeOptions, '--import', 'tsx', 'test/helpers/http-client-main.ts', ...args];
  const options = { cwd: REPOSITORY, env: { ...process.env, ...env }, timeout: 25_000 };
  const { stdout } = await promisify(execFile)(process.execPath, program, options);
  return stdout.trim();
}

async function serveTls(delay?: () => Promise<void>): Promise<{ server: TlsServer; caFile: string }> {
  const certificate = createLoopbackCertificate();
  const server = await TlsServer.start(certificate, { delay });
  closeAfterTest(() => server.close());
  const caFile = join(await temporaryDirectory(), 'ca.crt');
  await writeFile(caFile, certificate.cert);
  return { server, caFile };
}

describe('A process', () => {
  it('has its time limit, however often garbage is collected', async () => {
    const { server, caFile } = await serveTls(() => new Promise(() => {}));
    expect(await sendInProcess([server.origin, '700', caFile], ['--expose-gc'])).toContain(
      'no answer within 700 ms (option "timeoutMs").',
    );
    const silent = await serve(() => {});
    expect(await sendInProcess([silent.origin, '700'], ['--expose-gc'])).toMatch(/^no answer within 700 ms/);
  });

  it('ends after its request, though the connection is kept alive', async () => {
    const { server, caFile } = await serveTls();
    expect(await sendInProcess([server.origin, '600000', caFile])).toMatch(ENDED_AT_ONCE);
  });

  it('ends after its request through a proxy', async () => {
    const { server, caFile } = await serveTls();
    const proxy = await ProxyServer.start(server.origin);
    closeAfterTest(() => proxy.close());
    const env = { NODE_USE_ENV_PROXY: '1', HTTPS_PROXY: proxy.origin, NO_PROXY: '', no_proxy: '' };
    expect(await sendInProcess(['https://vault.internal', '600000', caFile], [], env)).toMatch(ENDED_AT_ONCE);
    expect(proxy.tunnels).toEqual(['vault.internal:443']);
  });
});
