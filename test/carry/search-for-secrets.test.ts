import { Agent, createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { Attach, CoreV1Api, Exec, type KubeConfig, Log, PortForward, Watch } from '@kubernetes/client-node';
import axios from 'axios';
import got from 'got';
import type { TokenSource } from 'projected-token';
import { withToken as withAxiosToken } from 'projected-token/axios';
import { withToken as withGotToken } from 'projected-token/got';
import { withToken as withKubernetesToken } from 'projected-token/kubernetes';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createLoopbackCertificate } from '../../src/testing/loopback-certificate.js';
import { kubeConfigOf } from '../helpers/api-server.js';
import { Gate } from '../helpers/gate.js';
import { expectNowhere } from '../helpers/reachable-texts.js';

const TOKEN = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzaG9wIn0.c2lnbmF0dXJl';
const certificate = createLoopbackCertificate();
const source: TokenSource = { getToken: async () => TOKEN, replaceToken: async () => undefined };
const atHand: TokenSource = { ...source, peekToken: () => TOKEN };

/** Answers by path: `/status/403`, `/redirect` to `/status/200`, `/hang` until the test is over. */
const server = createServer(certificate, (request, response) => {
  received.push(request.headers.authorization);
  request.resume();
  const { pathname } = new URL(request.url!, 'https://localhost');
  if (pathname === '/hang') hanging.open();
  else if (pathname === '/redirect') response.writeHead(307, { location: '/status/200' }).end();
  else response.writeHead(Number(pathname.split('/')[2] ?? 403) || 403).end('answer');
});
// A server that refuses to switch protocols.
server.on('upgrade', ({ headers }, socket) => {
  received.push(headers.authorization);
  socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
});
let received: (string | undefined)[] = [];
let hanging = new Gate();
let origin: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  received = [];
  hanging = new Gate();
});
afterAll(() => server.close().closeAllConnections());

/** Fails unless the server got the token, and nothing else shows it. */
function expectSentOnly(...shown: unknown[]): void {
  expect(received).toContain(`Bearer ${TOKEN}`);
  for (const value of shown) expectNowhere(value, TOKEN);
}

describe.each([
  ['is at hand', atHand],
  ['is waited for', source],
])('Where the token %s, it is nowhere in reach', (_, from) => {
  describe('of axios', () => {
    const connect = (options = {}) =>
      withAxiosToken(
        axios.create({ baseURL: origin, httpsAgent: new Agent({ ca: certificate.cert, keepAlive: true }), ...options }),
        from,
      );

    it.each(['/status/200', '/status/403', '/redirect'])('after %s', async (path) => {
      const seen: unknown[] = [];
      const note = (value: unknown) => {
        seen.push(value);
        return value as never;
      };
      const client = connect({ validateStatus: null, onDownloadProgress: note });
      client.interceptors.request.use(note);
      client.interceptors.response.use(note);
      const response = await client.post(path, 'text');
      expectSentOnly(...seen, response, response.request, client);
    });

    it.each([
      ['it was aborted', (abort: AbortController) => abort.abort(), {}],
      ['its time was up', () => {}, { timeout: 1500 }],
    ])('while a request is under way, and after %s', async (_, end, options) => {
      const abort = new AbortController();
      const client = connect();
      const failure = client.get('/hang', { signal: abort.signal, ...options }).catch((error: unknown) => error);
      await hanging.opened;
      const response = await client.get('/status/200');
      expectSentOnly(response, client);
      end(abort);
      expectSentOnly(await failure);
    });

    it('after nobody listened', async () => {
      const error = await connect()
        .get('https://127.0.0.1:1/', { baseURL: 'https://127.0.0.1:1' })
        .catch((e: unknown) => e);
      expectNowhere(error, TOKEN);
    });
  });

  describe('of got', () => {
    const connect = () =>
      withGotToken(
        got.extend({
          prefixUrl: origin,
          https: { certificateAuthority: certificate.cert },
          // Each request connects.
          agent: { https: new Agent({ keepAlive: false }) },
          retry: { limit: 0 },
        }),
        from,
      );

    it.each(['status/200', 'status/403', 'redirect'])('at any event, hook or response of %s', async (path) => {
      const events: string[] = [];
      const look = (name: string) => (value: unknown) => {
        events.push(name);
        expectNowhere(value, TOKEN);
        return value as never;
      };
      const client = connect().extend({
        hooks: {
          beforeRequest: [(options) => void look('beforeRequest')(options)],
          beforeRedirect: [(options) => void look('beforeRedirect')(options)],
          beforeError: [look('beforeError')],
          afterResponse: [look('afterResponse')],
        },
      });
      const promise = client.post(path, { body: 'text', throwHttpErrors: path !== 'status/200' });
      promise.on('request', (request) => {
        look('request')(request);
        for (const event of ['socket', 'finish', 'response', 'close']) request.on(event, () => look(event)(request));
        request.once('socket', (socket) => {
          for (const event of ['lookup', 'connect', 'secureConnect']) socket.once(event, () => look(event)(request));
        });
      });
      promise.on('response', look('got response'));
      promise.on('redirect', look('redirect'));
      promise.on('uploadProgress', look('uploadProgress'));
      const shown = await promise.catch((error: unknown) => error);
      expectSentOnly(shown, client);
      expect(events).toEqual(expect.arrayContaining(['request', 'socket', 'connect', 'finish', 'response']));
    });

    it('at any event of a stream', async () => {
      const stream = connect().stream('status/200');
      stream.once('request', (request) => expectNowhere(request, TOKEN));
      stream.once('response', (response) => expectNowhere(response, TOKEN));
      await stream.resume().toArray();
      expectSentOnly(stream);
    });
  });

  describe('of the Kubernetes client', () => {
    const connect = (): KubeConfig =>
      withKubernetesToken(kubeConfigOf({ origin, ca: certificate.cert }, { token: 'own' }), from);
    const streams = () => [new PassThrough(), new PassThrough(), new PassThrough()] as const;

    it.each<[string, (kubeConfig: KubeConfig) => Promise<unknown>]>([
      ['exec', (config) => new Exec(config).exec('shop', 'app', 'app', ['ls'], ...streams(), false)],
      ['attach', (config) => new Attach(config).attach('shop', 'app', 'app', ...streams(), false)],
      ['port-forward', (config) => new PortForward(config).portForward('shop', 'app', [80], ...streams())],
      ['watch', (config) => new Promise((resolve) => void new Watch(config).watch('/watched', {}, () => {}, resolve))],
      ['log', (config) => new Log(config).log('shop', 'app', 'app', new PassThrough())],
      ['list', (config) => config.makeApiClient(CoreV1Api).listNamespacedPod({ namespace: 'shop' })],
    ])('after a refused %s', async (_, run) => {
      const kubeConfig = connect();
      const shown = await run(kubeConfig).catch((error: unknown) => error);
      expectSentOnly(shown, kubeConfig);
    });
  });
});
