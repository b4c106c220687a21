import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Figure, type FigureGroup, median } from '../figure.js';
import { CLIENT_NAMES, type ClientName, CONCURRENCY, ROUND_MS, ROUNDS, type Rounds } from '../throughput/rounds.js';

/** V8 decides in each process anew what it compiles, and how: the same code can differ by a tenth from one process to the next. */
const PROCESSES = 5;
const LEAST_RATE = 0.95;
const MOST_CPU = 1.05;

/** What a wrapped client costs beside the bare one, whose requests carry a header that the program set itself. */
export async function measure(): Promise<FigureGroup> {
  const server = start('server-main');
  try {
    const [url] = await once(server, 'message');
    const rounds = new Map<ClientName, Rounds[]>(CLIENT_NAMES.map((name) => [name, []]));
    // In turns, so that a bad minute of the machine is not that of one client.
    for (let count = 0; count < PROCESSES; count++)
      for (const [name, all] of rounds) all.push(...(await roundsOf(name, String(url))));
    return {
      title: 'A wrapped client beside the bare one',
      method: `GET on loopback with keep-alive, ${CONCURRENCY} requests under way at any time, server in a process of its own; the bare client sends a header of the same length. Each client in ${PROCESSES} processes one after the other, in each ${ROUNDS} rounds of ${ROUND_MS} ms bare and wrapped in turns. The ratio is the median of the ratios of neighbouring rounds.`,
      figures: [...rounds].flatMap(([name, all]) => figuresOf(name, all)),
    };
  } finally {
    server.kill();
    await once(server, 'exit');
  }
}

async function roundsOf(name: ClientName, url: string): Promise<Rounds[]> {
  const child = start('client-main', name, url);
  return new Promise((resolve, reject) => {
    child.once('message', (rounds) => resolve(rounds as Rounds[]));
    child.once('exit', (code) => reject(new Error(`${name} ended with exit code ${code} and no rounds.`)));
  });
}

function start(program: string, ...parameters: string[]): ChildProcess {
  return fork(fileURLToPath(new URL(`../throughput/${program}.ts`, import.meta.url)), parameters);
}

function figuresOf(name: ClientName, rounds: readonly Rounds[]): Figure[] {
  const rate = median(rounds.map(({ bare, wrapped }) => wrapped.perSecond / bare.perSecond));
  const cpu = median(rounds.map(({ bare, wrapped }) => wrapped.cpuMicroseconds / bare.cpuMicroseconds));
  return [
    { name: `${name}, bare`, value: median(rounds.map(({ bare }) => bare.perSecond)), unit: 'requests/s', ratio: 1 },
    {
      name: `${name}, wrapped`,
      value: median(rounds.map(({ wrapped }) => wrapped.perSecond)),
      unit: 'requests/s',
      ratio: rate,
      aim: { text: `≥ ${LEAST_RATE} × bare`, isMet: rate >= LEAST_RATE },
    },
    {
      name: `${name}, wrapped: CPU of the client`,
      value: median(rounds.map(({ wrapped }) => wrapped.cpuMicroseconds)),
      unit: 'µs/request',
      ratio: cpu,
      aim: { text: `≤ ${MOST_CPU} × bare`, isMet: cpu <= MOST_CPU },
    },
  ];
}
