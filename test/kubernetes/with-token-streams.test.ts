import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { CoreV1Api, Exec, type KubeConfig, Log, makeInformer, Watch } from '@kubernetes/client-node';
import { withToken } from 'projected-token/kubernetes';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createLoopbackCertificate } from '../../src/testing/loopback-certificate.js';
import { kubeConfigOf } from '../helpers/api-server.js';
import { SettableSource } from '../helpers/federation.js';

const PODS = '/api/v1/namespaces/shop/pods';
const POD = { metadata: { name: 'app-1', namespace: 'shop' } };

const certificate = createLoopbackCertificate();
const seen: (string | undefined)[] = [];
let server: Server;
let origin: string;
let source: SettableSource;
let kubeConfig: KubeConfig;
/** Where a watch is redirected to, if anywhere. */
let redirect: string | undefined;

async function listen(at: Server): Promise<string> {
  await new Promise<void>((resolve) => at.listen(0, '127.0.0.1', resolve));
  return `https://127.0.0.1:${(at.address() as AddressInfo).port}`;
}

function close(at: Server): Promise<unknown> {
  return new Promise((resolve) => at.close(resolve).closeAllConnections());
}

/** Lists, watches, logs and runs commands, as an API server does it. */
beforeAll(async () => {
  server = createServer(certificate, (request, response) => {
    seen.push(request.headers.authorization);
    const { pathname, searchParams } = new URL(request.url!, 'https://localhost');
    if (redirect !== undefined) response.writeHead(307, { Location: redirect }).end();
    else if (pathname.endsWith('/log')) response.end('a line of the log');
    else if (searchParams.has('watch')) response.write(`${JSON.stringify({ type: 'ADDED', object: POD })}\n`);
    else response.setHeader('Content-Type', 'application/json').end('{"metadata":{"resourceVersion":"1"},"items":[]}');
  });
  server.on('upgrade', ({ headers }, socket) => {
    seen.push(headers.authorization);
    // RFC 6455 section 4.2.2
    const key = `${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(key).digest('base64');
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        `Sec-WebSocket-Protocol: v5.channel.k8s.io\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
  });
  origin = await listen(server);
});
afterAll(() => close(server));

beforeEach(() => {
  seen.length = 0;
  redirect = undefined;
  source = new SettableSource('first');
  kubeConfig = withToken(kubeConfigOf({ origin, ca: certificate.cert }, { token: 'own' }), source);
});

/** Resolves with the object of the first event, or with why there is none. */
function watch(): Promise<unknown> {
  return new Promise((resolve) => {
    const onEvent = (_type: string, object: unknown) => {
      resolve(object);
      void watching.then((controller) => controller.abort());
    };
    const watching = new Watch(kubeConfig).watch(PODS, {}, onEvent, resolve);
  });
}

async function log(): Promise<unknown> {
  const stream = new PassThrough();
  await new Log(kubeConfig).log('shop', 'app-1', 'app', stream);
  return text(stream);
}

async function exec(): Promise<unknown> {
  const socket = await new Exec(kubeConfig).exec('shop', 'app-1', 'app', ['ls'], null, null, null, false);
  const { protocol } = socket as unknown as WebSocket;
  (socket as unknown as { terminate(): void }).terminate();
  return protocol;
}

it.each([
  ['A watch', watch, POD],
  ['A log', log, 'a line of the log'],
  ['A command', exec, 'v5.channel.k8s.io'],
])('%s carries the token that is the newest when it begins', async (_what, run, outcome) => {
  expect(await run()).toEqual(outcome);
  source.current = 'second';
  expect(await run()).toEqual(outcome);
  expect(seen).toEqual(['Bearer first', 'Bearer second']);
});

it('An informer lists and watches with the token', async () => {
  const api = kubeConfig.makeApiClient(CoreV1Api);
  const informer = makeInformer(kubeConfig, PODS, () => api.listNamespacedPod({ namespace: 'shop' }));
  const added = new Promise((resolve) => informer.on('add', resolve));
  await informer.start();
  expect(await added).toEqual(POD);
  await informer.stop();
  expect(seen).toEqual(['Bearer first', 'Bearer first']);
});

it('A failure of the source is the failure of the stream', async () => {
  const failure = new Error('no token');
  source.getToken = () => Promise.reject(failure);
  await expect(log()).rejects.toBe(failure);
  expect(seen).toEqual([]);
});

it('A watch that is redirected to another port goes there without the token', async () => {
  const received: (string | undefined)[] = [];
  const other = createServer(certificate, ({ headers }, response) => {
    received.push(headers.authorization);
    response.end(`${JSON.stringify({ type: 'ADDED', object: POD })}\n`);
  });
  redirect = await listen(other);
  expect(await watch()).toEqual(POD);
  expect(seen).toEqual(['Bearer first']);
  expect(received).toEqual([undefined]);
  await close(other);
});
