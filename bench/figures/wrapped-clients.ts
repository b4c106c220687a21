import { type ChildProcess, fork } from 'node:child_process';
import { Agent as HttpAgent } from 'node:http';
import { fileURLToPath } from 'node:url';
import axios from 'axios';
import got from 'got';
import type { TokenSource } from 'projected-token';
import { Agent, request } from 'undici';
import { type Figure, type FigureGroup, median } from '../figure.js';

const ROUNDS = 15;
const ROUND_MS = 1000;
/** Long enough for all code on the way of a request to be compiled, also on a busy machine. */
const WARM_UP_MS = 3000;
const CONCURRENCY = 16;
const LEAST_RATE = 0.95;
const MOST_CPU = 1.05;

/** Sends one request and reads the answer. */
type Send = () => Promise<unknown>;

interface Round {
  readonly perSecond: number;
  readonly cpuMicroseconds: number;
}

/** What a wrapped client costs beside the bare one, whose requests carry a header that the program set itself. */
export async function measure(): Promise<FigureGroup> {
  const server = fork(fileURLToPath(new URL('../throughput/server-main.ts', import.meta.url)));
  try {
    const url = await new Promise<string>((resolve) => server.once('message', (message) => resolve(String(message))));
    const figures: Figure[] = [];
    for (const [name, [bare, wrapped]] of Object.entries(await clients(url)))
      figures.push(...(await compare(name, bare, wrapped)));
    return {
      title: 'A wrapped client beside the bare one',
      method: `GET on loopback with keep-alive, ${CONCURRENCY} requests under way at any time, server in a process of its own; the bare client sends a header of the same length. Median of ${ROUNDS} rounds of ${ROUND_MS} ms, in turns; the ratio is the median of the ratios of neighbouring rounds.`,
      figures,
    };
  } finally {
    await stop(server);
  }
}

/** `withToken` of the package as it is published: a loader of TypeScript adds to the work of each call. */
async function published<WithToken>(subpath: string): Promise<WithToken> {
  return (await import(new URL(`../../dist/${subpath}.js`, import.meta.url).href)).withToken;
}

/** Each client bare, with the header that the wrapped one sends, and wrapped. */
async function clients(url: string): Promise<Record<string, [bare: Send, wrapped: Send]>> {
  const undiciWithToken = await published<typeof import('projected-token/undici').withToken>('undici');
  const fetchWithToken = await published<typeof import('projected-token/fetch').withToken>('fetch');
  const axiosWithToken = await published<typeof import('projected-token/axios').withToken>('axios');
  const gotWithToken = await published<typeof import('projected-token/got').withToken>('got');
  const token = `header.${'x'.repeat(900)}.signature`;
  const source: TokenSource = {
    getToken: () => Promise.resolve(token),
    peekToken: () => token,
    replaceToken: () => Promise.resolve(undefined),
  };
  const options = { origins: [new URL(url).origin] };
  const headers = { authorization: `Bearer ${token}` };
  const httpAgent = new HttpAgent({ keepAlive: true });
  const axiosOptions = { httpAgent, proxy: false as const };
  const gotOptions = { agent: { http: httpAgent }, retry: { limit: 0 } };
  const agent = new Agent();
  const dispatcher = undiciWithToken(new Agent(), source, options);
  const wrappedFetch = fetchWithToken(fetch, source, options);
  const wrappedAxios = axiosWithToken(axios.create(axiosOptions), source, options);
  const bareAxios = axios.create(axiosOptions);
  const wrappedGot = gotWithToken(got.extend(gotOptions), source, options);
  const bareGot = got.extend(gotOptions);
  return {
    undici: [
      async () => (await request(url, { dispatcher: agent, headers })).body.text(),
      async () => (await request(url, { dispatcher })).body.text(),
    ],
    fetch: [async () => (await fetch(url, { headers })).text(), async () => (await wrappedFetch(url)).text()],
    axios: [() => bareAxios.get(url, { headers }), () => wrappedAxios.get(url)],
    got: [() => bareGot(url, { headers }), () => wrappedGot(url)],
  };
}

async function compare(name: string, bare: Send, wrapped: Send): Promise<Figure[]> {
  const rounds: { bare: Round; wrapped: Round }[] = [];
  await play(bare, WARM_UP_MS);
  await play(wrapped, WARM_UP_MS);
  for (let round = 0; round < ROUNDS; round++) {
    // Neighbours in time see the same machine, and neither is always the first.
    const first = await play(round % 2 === 0 ? bare : wrapped);
    const second = await play(round % 2 === 0 ? wrapped : bare);
    rounds.push(round % 2 === 0 ? { bare: first, wrapped: second } : { bare: second, wrapped: first });
  }
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

async function play(send: Send, durationMs = ROUND_MS): Promise<Round> {
  const startedAtMs = performance.now();
  const cpuBefore = process.cpuUsage();
  let requests = 0;
  const worker = async () => {
    while (performance.now() - startedAtMs < durationMs) {
      await send();
      requests++;
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  const { user, system } = process.cpuUsage(cpuBefore);
  const seconds = (performance.now() - startedAtMs) / 1000;
  return { perSecond: requests / seconds, cpuMicroseconds: (user + system) / requests };
}

function stop(server: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    server.once('exit', () => resolve());
    server.kill();
  });
}
