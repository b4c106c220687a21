import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { EmbeddedApiServer } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { kubeConfigOf } from '../helpers/api-server.js';
import { REPOSITORY } from '../helpers/built-package.js';
import { rejectionOf } from '../helpers/federation.js';
import { nextFailure, tokenRequests } from '../helpers/token-requests.js';

const { startServer, makeProvider, open, caller } = tokenRequests();
let server: EmbeddedApiServer;

beforeEach(async () => {
  server = await startServer();
});

describe('open', () => {
  it('waits for an API server that is down when it begins', async () => {
    server.failNext({ status: 503 }, { status: 500 });
    const provider = makeProvider();
    const told: string[] = [];
    provider.on('error', () => told.push(provider.status.state));
    provider.on('rotated', () => told.push(provider.status.state));
    expect(provider.start()).toBe(provider.start());
    await provider.start();
    expect(told).toEqual(['opening', 'opening', 'ready']);
    expect(server.requests.map(({ status }) => status)).toEqual([503, 500, 201]);
  });

  it('gives up after readyTimeoutMs, with what the last attempt failed with, and is closed', async () => {
    await server.close();
    const provider = makeProvider({ readyTimeoutMs: 100 });
    const error = await rejectionOf(provider.start());
    expect(error).toMatchObject({ code: 'ERR_EXCHANGE_UNAVAILABLE', cause: { code: 'ECONNREFUSED' } });
    expect(provider.status.state).toBe('closed');
  });

  it('asks once, and for as long as that takes, with a readyTimeoutMs of 0', async () => {
    expect((await open({ readyTimeoutMs: 0 })).status.state).toBe('ready');
    server.outage = { status: 503 };
    expect(await rejectionOf(open({ readyTimeoutMs: 0 }))).toHaveProperty('status', 503);
    expect(server.requests.map(({ status }) => status)).toEqual([201, 503]);
  });

  it('does not wait where waiting does not help', async () => {
    server.revokeGrants();
    const provider = makeProvider();
    expect(await rejectionOf(provider.start())).toHaveProperty('code', 'ERR_EXCHANGE_DENIED');
    expect(server.requests).toHaveLength(1);
    expect(provider.status.state).toBe('closed');
  });

  it('asks nobody when its signal has aborted', async () => {
    const reason = new Error('shutdown');
    const error = await rejectionOf(open({ signal: AbortSignal.abort(reason) }));
    expect(error).toMatchObject({ code: 'ERR_TOKEN_ABORTED', name: 'AbortError', cause: reason });
    expect(server.requests).toEqual([]);
  });

  it('closes the provider when its signal aborts later', async () => {
    const abort = new AbortController();
    const provider = await open({ signal: abort.signal });
    const closed = new Promise<void>((resolve) => provider.once('closed', resolve));
    abort.abort();
    await closed;
    expect(await rejectionOf(provider.getToken())).toHaveProperty('code', 'ERR_TOKEN_CLOSED');
  });
});

describe('close', () => {
  it('ends it all, and can be called twice', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const provider = await open();
    const token = await provider.getToken();
    const closed = vi.fn();
    provider.on('closed', closed);
    await Promise.all([provider.close(), provider.close()]);
    await provider.close();
    expect(closed).toHaveBeenCalledOnce();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
    expect(provider.status).toMatchObject({ state: 'closed', token: undefined });
    for (const call of [provider.getToken(), provider.replaceToken(token)]) {
      expect(await rejectionOf(call)).toHaveProperty('code', 'ERR_TOKEN_CLOSED');
    }
  });

  it('comes with the end of "await using"', async () => {
    const closed = vi.fn();
    {
      await using provider = await open();
      provider.on('closed', closed);
    }
    expect(closed).toHaveBeenCalledOnce();
  });
});

it('A program that forgets to close ends all the same', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'kubernetes-'));
  const KUBECONFIG = join(directory, 'config');
  await writeFile(KUBECONFIG, kubeConfigOf(server, { token: caller() }).exportConfig());
  const program = `
    import { TokenRequestProvider } from 'projected-token/kubernetes';
    const provider = await TokenRequestProvider.open({ namespace: 'shop', serviceAccount: 'app' });
    console.log(provider.status.state);`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--input-type', 'module', '--eval', program],
    { cwd: REPOSITORY, env: { PATH: process.env.PATH, KUBECONFIG } },
  );
  expect(stdout).toBe('ready\n');
  await rm(directory, { recursive: true });
});

describe('An API server that does not answer', () => {
  let silent: Server;
  let connections = 0;

  beforeEach(async () => {
    connections = 0;
    silent = createServer((socket) => {
      connections++;
      socket
        .resume()
        .on('error', () => {})
        .on('close', () => connections--);
    }).listen(0, '127.0.0.1');
    await once(silent, 'listening');
  });
  afterEach(() => new Promise((resolve) => silent.close(resolve)));

  // undici, by which @kubernetes/client-node 2 sends, ends a handshake that nobody waits for any more after 10 s.
  const allClosed = () => expect.poll(() => connections, { timeout: 20_000 }).toBe(0);

  const waiting = (options: Parameters<typeof makeProvider>[0] = {}) => {
    const origin = `https://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    return makeProvider({ kubeConfig: kubeConfigOf({ origin, ca: server.ca }, { token: caller() }), ...options });
  };

  it('is given up after timeoutMs, and its connection with it', async () => {
    const provider = waiting({ timeoutMs: 50 });
    const failure = nextFailure(provider);
    const start = rejectionOf(provider.start());
    expect(await failure).toMatchObject({
      code: 'ERR_EXCHANGE_UNAVAILABLE',
      message: expect.stringContaining('within 50 ms (option "timeoutMs")'),
    });
    await provider.close();
    expect(await start).toHaveProperty('code', 'ERR_TOKEN_CLOSED');
    await allClosed();
  });

  it('is waited for no longer than readyTimeoutMs', async () => {
    const error = await rejectionOf(waiting({ readyTimeoutMs: 50 }).start());
    expect(error).toHaveProperty('code', 'ERR_EXCHANGE_UNAVAILABLE');
    expect(error.message).toContain('"readyTimeoutMs"');
    await allClosed();
  });

  it('is waited for no longer than until close, or the signal of open or of the call, aborts the wait', async () => {
    const reason = new Error('enough');
    const abort = new AbortController();
    const provider = waiting({ signal: abort.signal });
    const start = rejectionOf(provider.start());
    const call = rejectionOf(provider.getToken({ signal: AbortSignal.abort(reason) }));
    expect(await call).toMatchObject({ code: 'ERR_TOKEN_ABORTED', cause: reason });
    await expect.poll(() => connections).toBe(1);
    const other = rejectionOf(provider.getToken());
    abort.abort(reason);
    expect(await start).toMatchObject({ code: 'ERR_TOKEN_ABORTED', cause: reason });
    expect(await other).toHaveProperty('code', 'ERR_TOKEN_CLOSED');
    await allClosed();
  });
});
