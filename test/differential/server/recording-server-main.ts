// The servers of the differential test, in a process of their own: what they receive is not theirs to interpret.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type ReceivedRequest, RequestBytes } from './received-request.js';
import type { PlainAnswer } from './write-answer.js';
import { writeAnswer } from './write-answer.js';

/** What the servers do in one run. */
export interface Script {
  readonly answers: readonly PlainAnswer[];
  /** Refuses, at this hop and at most once, a request with this text in it. */
  readonly refusal: { readonly hop: number; readonly text: string } | undefined;
}

export type Command = { readonly begin: Script } | { readonly end: true };
export type Reply =
  | { readonly ports: readonly number[] }
  | { readonly begun: true }
  | { readonly received: number }
  | { readonly requests: readonly ReceivedRequest[] };

/** Longer than a client needs to close its connections; what it leaves open then is closed here. */
const CLOSE_MS = 500;

class Run {
  readonly requests: ReceivedRequest[] = [];
  readonly #connections: Socket[] = [];
  readonly #hops = new Map<string, number>();
  #hasRefused = false;

  constructor(private readonly script: Script) {}

  /** The answer to a request, after it was written down. */
  receive(
    socket: Socket,
    at: string,
    { head, body }: { head: string; body: string },
    isWhole = true,
  ): PlainAnswer | undefined {
    if (!this.#connections.includes(socket)) this.#connections.push(socket);
    // Each request of the program has the first part of its path for itself.
    const series = /^\S+ (?:https?:\/\/[^/]+)?\/([^/ ]*)/.exec(head)?.[1] ?? '';
    const hop = this.#hops.get(series) ?? 0;
    const { refusal, answers } = this.script;
    const wasRefused = isWhole && !this.#hasRefused && refusal?.hop === hop && head.includes(refusal.text);
    const connection = this.#connections.indexOf(socket);
    this.requests.push({ at, connection, head, body, isWhole, wasRefused });
    send({ received: this.requests.length });
    if (wasRefused) {
      this.#hasRefused = true;
      return { status: 401, headers: [], body: 'refused', framing: 'length' };
    }
    this.#hops.set(series, hop + 1);
    return forSeries(answers[Math.min(hop, answers.length - 1)], series);
  }
}

/** A redirect stays within the series of its request. */
function forSeries(answer: PlainAnswer | undefined, series: string): PlainAnswer | undefined {
  return (
    answer && { ...answer, headers: answer.headers.map(([name, value]) => [name, value.replace('{series}', series)]) }
  );
}

let run = new Run({ answers: [], refusal: undefined });
const open = new Set<Socket>();

function serve(socket: Socket): void {
  open.add(socket);
  socket.setNoDelay(true);
  const own = run;
  const at = `${socket.localAddress}:${socket.localPort}`;
  const bytes = new RequestBytes();
  let saidContinue = false;
  socket.on('error', () => {});
  socket.once('close', () => {
    open.delete(socket);
    if (!bytes.isEmpty) own.receive(socket, at, bytes.rest(), false);
  });
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    bytes.push(chunk);
    const { head } = bytes;
    if (!saidContinue && head !== undefined && /^expect: *100-continue/im.test(head)) {
      saidContinue = true;
      socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    }
    for (let request = bytes.take(); request !== undefined; request = bytes.take()) {
      const answer = own.receive(socket, at, request);
      if (answer !== undefined) void writeAnswer(socket, answer, request.head.split(' ', 1)[0]!);
    }
  });
  socket.once('end', () => socket.end());
}

async function end(): Promise<void> {
  const closed = [...open].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
  const late = setTimeout(() => {
    for (const socket of open) socket.destroy();
  }, CLOSE_MS);
  await Promise.all(closed);
  clearTimeout(late);
  const { requests } = run;
  run = new Run({ answers: [], refusal: undefined });
  send({ requests });
}

function send(reply: Reply): void {
  process.send?.(reply);
}

async function listen(): Promise<Server> {
  const server = createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  return server;
}

process.on('message', (command: Command) => {
  if ('end' in command) return void end();
  run = new Run(command.begin);
  send({ begun: true });
});
process.on('disconnect', () => process.exit());
const servers = await Promise.all([listen(), listen(), listen()]);
send({ ports: servers.map((server) => (server.address() as AddressInfo).port) });
