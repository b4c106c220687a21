import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createLoopbackCertificate } from '../../src/testing/loopback-certificate.js';
import { rejectionOf } from '../helpers/federation.js';
import { closeAfterTest, closeAllAfterEach, connect } from '../helpers/http-client-scene.js';
import { temporaryDirectory } from '../helpers/temporary-directory.js';
import { TlsServer } from '../helpers/tls-server.js';

closeAllAfterEach();

const first = createLoopbackCertificate();
const second = createLoopbackCertificate();
const post = { method: 'POST', json: {} } as const;

async function serveTls(options: Parameters<typeof TlsServer.start>[0] = first): Promise<TlsServer> {
  const server = await TlsServer.start(options);
  closeAfterTest(() => server.close());
  return server;
}

/** For a busy machine. */
const PATIENCE = { timeout: 15_000 };

/** A file that is replaced in one step, as those of a volume are. */
async function rotatingFile(content: string): Promise<{ path: string; replace(content: string): Promise<void> }> {
  const path = join(await temporaryDirectory(), 'ca.crt');
  await writeFile(path, content);
  return {
    path,
    async replace(content) {
      await writeFile(`${path}.new`, content);
      await rename(`${path}.new`, path);
    },
  };
}

describe('When the CA rotates', () => {
  it('no request of many fails, though the server changes first', async () => {
    const server = await serveTls();
    const file = await rotatingFile(first.cert);
    const { send } = connect({ ca: file.path });
    const outcomes: unknown[] = [];
    let isOver = false;
    const callers = Array.from({ length: 8 }, async () => {
      while (!isOver) {
        outcomes.push(await send(server.origin, post).then(({ status }) => status, String));
        await nextTurn();
      }
    });
    const certificates = [second, first];
    for (let rotation = 0; rotation < 10; rotation++) {
      const requests = server.requests.length;
      await expect.poll(() => server.requests.length, PATIENCE).toBeGreaterThan(requests + 20);
      const next = certificates[rotation % 2]!;
      // Both in one turn of the event loop: what was read before is wrong from now on.
      await file.replace(next.cert);
      server.changeCertificate(next);
    }
    isOver = true;
    await Promise.all(callers);
    expect(outcomes.filter((outcome) => outcome !== 200)).toEqual([]);
    expect(outcomes.length).toBeGreaterThan(200);
  });

  it('the old one is not trusted any more, not even over connections that are open', async () => {
    const server = await serveTls();
    const file = await rotatingFile(first.cert);
    const { send } = connect({ ca: file.path });
    await send(server.origin);
    await file.replace(second.cert);
    await expect
      .poll(() =>
        send(server.origin).then(
          () => 'trusted',
          (error) => error.code,
        ),
      )
      .toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
  });

  it('requests under way over the old connections end well', async () => {
    const answers: (() => void)[] = [];
    let current = first.cert;
    const server = await TlsServer.start(first, { delay: () => new Promise((resolve) => answers.push(resolve)) });
    closeAfterTest(() => server.close());
    const { send } = connect({ ca: () => current });
    const slow = send(server.origin);
    await expect.poll(() => answers.length).toBe(1);
    current = first.cert + second.cert;
    server.changeCertificate(second, { isGraceful: true });
    // This one needs the new CA, which makes the old connections retire.
    const other = send(server.origin);
    await expect.poll(() => answers.length).toBe(2);
    for (const answer of answers) answer();
    expect(await Promise.all([slow, other])).toMatchObject([{ status: 200 }, { status: 200 }]);
  });

  it('what is in the midst of being written does no harm, nor that it is gone for a moment', async () => {
    const server = await serveTls();
    const file = await rotatingFile(first.cert);
    const { send } = connect({ ca: file.path });
    await send(server.origin);
    for (const spoil of [() => file.replace(''), () => file.replace('-----BEGIN CERT'), () => rm(file.path)]) {
      await spoil();
      const until = performance.now() + 400;
      while (performance.now() < until) expect(await send(server.origin)).toMatchObject({ status: 200 });
    }
  });

  it('a source that does not answer any more does no harm', async () => {
    const server = await serveTls();
    let isStuck = false;
    let calls = 0;
    const ca = () => {
      calls++;
      return isStuck ? new Promise<string>(() => {}) : first.cert;
    };
    const { send } = connect({ ca, timeoutMs: 5_000 });
    await send(server.origin);
    isStuck = true;
    const begunAt = performance.now();
    await expect.poll(() => send(server.origin).then(() => calls)).toBe(2);
    // Only the first that needed it waited, and for a second.
    for (let n = 0; n < 100; n++) expect(await send(server.origin)).toMatchObject({ status: 200 });
    expect(performance.now() - begunAt).toBeLessThan(2_500);
    expect(calls).toBe(2);
  });

  it('it is read only now and then', async () => {
    const server = await serveTls();
    let calls = 0;
    const ca = () => {
      calls++;
      return first.cert;
    };
    const { send } = connect({ ca });
    const begunAt = performance.now();
    for (let n = 0; n < 100; n++) await send(server.origin);
    expect(calls).toBeLessThanOrEqual(1 + (performance.now() - begunAt) / 250);
  });
});

describe('When the client certificate rotates', () => {
  it('the new one is used, and a pair that does not match yet is not', async () => {
    const server = await serveTls({ ...first, requestCert: true, ca: [second.cert] });
    const cert = await rotatingFile(second.cert);
    const key = await rotatingFile(second.key);
    const { send } = connect({ ca: first.cert, clientCertificate: { cert: cert.path, key: key.path } });
    await send(server.origin);
    const third = createLoopbackCertificate();
    await cert.replace(third.cert);
    const until = performance.now() + 400;
    while (performance.now() < until) expect(await send(server.origin)).toMatchObject({ status: 200 });
    await key.replace(third.key);
    // The server does not know the new one.
    await expect
      .poll(() =>
        send(server.origin).then(
          () => 'accepted',
          () => 'refused',
        ),
      )
      .toBe('refused');
    expect(await rejectionOf(send(server.origin))).toHaveProperty('name', 'HttpError');
  });
});
