// The servers of the differential test, in a process of their own: what they receive is not theirs to interpret.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { createLoopbackCertificate } from '../../../src/testing/loopback-certificate.js';
import type { ReceivedRequest } from './received-request.js';
import { Run, type Script } from './run.js';
import { serveHttp1 } from './serve-http1.js';
import { closeSessions, serveHttp2 } from './serve-http2.js';

export type Command = { readonly begin: Script } | { readonly end: true };
export type Reply =
  | { readonly ports: readonly number[]; readonly tlsPorts: readonly number[]; readonly ca: string }
  | { readonly begun: true }
  | { readonly isOver: true }
  | { readonly received: number }
  | { readonly requests: readonly ReceivedRequest[] };

/** Longer than a client needs to close its connections; what it leaves open then is closed here. */
const CLOSE_MS = 500;

const certificate = createLoopbackCertificate();
/** Undefined between two runs. */
let run: Run | undefined;
const open = new Set<Socket>();

function keep(socket: Socket): void {
  open.add(socket);
  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.once('close', () => open.delete(socket));
}

function serve(socket: Socket): void {
  keep(socket);
  if (run === undefined) return void socket.destroy();
  serveHttp1({ socket, at: addressOf(socket), reset: () => socket.resetAndDestroy() }, run);
}

/** TLS over a connection, whose reset is that of the socket beneath. */
function listenSecurely(): Promise<Server> {
  const beneath = new Map<string, Socket>();
  const server = createTlsServer({ ...certificate, ALPNProtocols: ['h2', 'http/1.1'] });
  server.on('connection', (socket: Socket) => {
    keep(socket);
    const client = `${socket.remotePort}`;
    beneath.set(client, socket);
    socket.once('close', () => beneath.delete(client));
  });
  server.on('tlsClientError', () => {});
  server.on('secureConnection', (socket: TLSSocket) => {
    keep(socket);
    if (run === undefined) return void socket.destroy();
    const below = beneath.get(`${socket.remotePort}`);
    const connection = { socket, at: addressOf(socket), reset: () => void below?.resetAndDestroy() };
    (socket.alpnProtocol === 'h2' ? serveHttp2 : serveHttp1)(connection, run);
  });
  return listen(server);
}

function addressOf({ localAddress, localPort }: Socket): string {
  return `${localAddress}:${localPort}`;
}

/** What a client sends on new connections from now on, as its own are closed, is none of the program's. */
async function end(): Promise<void> {
  const requests = run?.requests ?? [];
  run = undefined;
  send({ isOver: true });
  const closed = [...open].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
  const late = setTimeout(() => {
    for (const socket of open) socket.destroy();
  }, CLOSE_MS);
  closeSessions();
  await Promise.all(closed);
  clearTimeout(late);
  send({ requests });
}

function send(reply: Reply): void {
  process.send?.(reply);
}

async function listen(server: Server): Promise<Server> {
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  return server;
}

process.on('message', (command: Command) => {
  if ('end' in command) return void end();
  run = new Run(command.begin, (received) => send({ received }));
  send({ begun: true });
});
process.on('disconnect', () => process.exit());
const portsOf = (servers: readonly Server[]) => servers.map((server) => (server.address() as AddressInfo).port);
const ports = portsOf(await Promise.all([1, 2, 3].map(() => listen(createServer(serve)))));
const tlsPorts = portsOf(await Promise.all([1, 2, 3].map(listenSecurely)));
send({ ports, tlsPorts, ca: certificate.cert });
