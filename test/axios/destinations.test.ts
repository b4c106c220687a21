import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import axios, { type AxiosError, type AxiosRequestConfig } from 'axios';
import { withToken } from 'projected-token/axios';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { useHttpOrigins } from '../helpers/http-origins.js';
import { temporaryDirectory } from '../helpers/temporary-directory.js';

const world = useHttpOrigins();
const HEADER = 'authorization';
afterEach(() => vi.unstubAllEnvs());

describe('A proxy of the environment', () => {
  /** Notes what it is sent, and forwards it. */
  async function startProxy(): Promise<{ origin: string; seen: (string | undefined)[] }> {
    const seen: (string | undefined)[] = [];
    const proxy: Server = createServer((request, response) => {
      seen.push(request.headers.authorization);
      httpRequest(request.url!, { headers: request.headers }, (answer) => {
        response.writeHead(answer.statusCode!);
        answer.pipe(response);
      }).end();
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void proxy.close().closeAllConnections());
    return { origin: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, seen };
  }

  const send = async (origins?: string[], config: AxiosRequestConfig = {}) => {
    const { origin, seen } = await startProxy();
    vi.stubEnv('HTTP_PROXY', origin);
    vi.stubEnv('http_proxy', origin);
    vi.stubEnv('NO_PROXY', '');
    vi.stubEnv('no_proxy', '');
    // axios itself passes the names of loopback by.
    const lookup = async () => '127.0.0.1';
    const client = withToken(axios.create({ baseURL: world.listed.origin, lookup, ...config }), world.source, {
      origins,
    });
    const outcome = await client.get('/a').catch((error: unknown) => error);
    return { outcome, seen };
  };

  it('does not get the token for loopback in clear text', async () => {
    const { outcome, seen } = await send(undefined, { proxy: undefined });
    expect(seen).not.toContain(world.source.value(1));
    // A version of axios that passes it by sends the token to where it belongs.
    if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'ERR_TOKEN_ORIGIN' });
    else expect(world.listed.seen('/a', HEADER)).toEqual([world.source.value(1)]);
  });

  it('that the program names does not get it either', async () => {
    const { origin, seen } = await startProxy();
    const proxy = { host: '127.0.0.1', port: Number(new URL(origin).port) };
    const client = withToken(axios.create({ baseURL: world.listed.origin, proxy }), world.source);
    await expect(client.get('/a')).rejects.toMatchObject({ code: 'ERR_TOKEN_ORIGIN' });
    expect(seen).toEqual([]);
    expect(world.listed.requests).toEqual([]);
  });

  it('gets it where that very origin is listed', async () => {
    const { origin, seen } = await startProxy();
    const proxy = { host: '127.0.0.1', port: Number(new URL(origin).port) };
    const client = withToken(axios.create({ baseURL: world.listed.origin, proxy }), world.source, {
      origins: [world.listed.origin],
    });
    expect((await client.get('/a')).status).toBe(200);
    expect(seen).toEqual([world.source.value(1)]);
  });
});

describe('Where a request really goes decides', () => {
  it('with allowAbsoluteUrls off, whatever the defaults of axios are later', async () => {
    const client = withToken(axios.create({ allowAbsoluteUrls: false }), world.source, {
      origins: [world.listed.origin],
    });
    const { baseURL } = axios.defaults;
    axios.defaults.baseURL = world.listed.origin;
    onTestFinished(() => {
      axios.defaults.baseURL = baseURL;
    });
    await client.get(`${world.unlisted.origin}/a`);
    expect(world.unlisted.seen('/a', HEADER)).toEqual([undefined]);
  });

  it.each<[string, (options: Record<string, unknown>) => void]>([
    ['port', (options) => Object.assign(options, { port: new URL(world.unlisted.origin).port })],
    ['host', (options) => Object.assign(options, { hostname: 'localhost', port: new URL(world.unlisted.origin).port })],
  ])('where beforeRedirect changes the %s', async (_, change) => {
    world.listed.on('/a', { status: 307, headers: { location: '/b' } });
    const client = withToken(axios.create({ baseURL: world.listed.origin, beforeRedirect: change }), world.source);
    await client.get('/a').catch((error: AxiosError) => error);
    expect(world.listed.seen('/a', HEADER)).toEqual([world.source.value(1)]);
    expect(world.unlisted.seen('/b', HEADER)).toEqual([undefined]);
  });

  it('where beforeRedirect sets a Unix socket', async () => {
    world.listed.on('/a', { status: 307, headers: { location: '/b' } });
    const path = join(await temporaryDirectory(), 'axios.sock');
    const seen: unknown[] = [];
    const server = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    onTestFinished(() => void server.close().closeAllConnections());
    const beforeRedirect = (options: object) => void Object.assign(options, { socketPath: path });
    await withToken(axios.create({ baseURL: world.listed.origin, beforeRedirect }), world.source).get('/a');
    expect(seen).toEqual([undefined]);
  });
});
