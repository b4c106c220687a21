// One client, bare and wrapped, in a process of its own: `client-main.ts <name> <url>` measures it and sends its rounds to the process that
// started it. No other client is loaded, whose calls would keep V8 from compiling those of this one as a program has them.
import { Agent as HttpAgent } from 'node:http';
import type { TokenSource } from 'projected-token';
import { type ClientName, CONCURRENCY, ROUND_MS, ROUNDS, type Round, type Rounds } from './rounds.js';

/** Long enough for all code on the way of a request to be compiled, also on a busy machine. */
const WARM_UP_MS = 3000;

/** Sends one request and reads the answer. */
type Send = () => Promise<unknown>;

const [name, url] = process.argv.slice(2) as [ClientName, string];
const token = `header.${'x'.repeat(900)}.signature`;
const source: TokenSource = {
  getToken: () => Promise.resolve(token),
  peekToken: () => token,
  replaceToken: () => Promise.resolve(undefined),
};
const options = { origins: [new URL(url).origin] };
/** What the bare client sends: a header of the same length, which the program set itself. */
const headers = { authorization: `Bearer ${token}` };

/** `withToken` of the package as it is published: a loader of TypeScript adds to the work of each call. */
async function published<WithToken>(subpath: ClientName): Promise<WithToken> {
  return (await import(new URL(`../../dist/${subpath}.js`, import.meta.url).href)).withToken;
}

const pairs: Record<ClientName, () => Promise<[bare: Send, wrapped: Send]>> = {
  undici: async () => {
    const { Agent, request } = await import('undici');
    const withToken = await published<typeof import('projected-token/undici').withToken>('undici');
    const agent = new Agent();
    const dispatcher = withToken(new Agent(), source, options);
    return [
      async () => (await request(url, { dispatcher: agent, headers })).body.text(),
      async () => (await request(url, { dispatcher })).body.text(),
    ];
  },
  fetch: async () => {
    const withToken = await published<typeof import('projected-token/fetch').withToken>('fetch');
    const wrapped = withToken(fetch, source, options);
    return [async () => (await fetch(url, { headers })).text(), async () => (await wrapped(url)).text()];
  },
  axios: async () => {
    const { default: axios } = await import('axios');
    const withToken = await published<typeof import('projected-token/axios').withToken>('axios');
    const config = { httpAgent: new HttpAgent({ keepAlive: true }), proxy: false as const };
    const bare = axios.create(config);
    const wrapped = withToken(axios.create(config), source, options);
    return [() => bare.get(url, { headers }), () => wrapped.get(url)];
  },
  got: async () => {
    const { default: got } = await import('got');
    const withToken = await published<typeof import('projected-token/got').withToken>('got');
    const bare = got.extend({ agent: { http: new HttpAgent({ keepAlive: true }) }, retry: { limit: 0 } });
    const wrapped = withToken(bare, source, options);
    return [() => bare(url, { headers }), () => wrapped(url)];
  },
};

async function play(send: Send, durationMs: number): Promise<Round> {
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

const [bare, wrapped] = await pairs[name]();
await play(bare, WARM_UP_MS);
await play(wrapped, WARM_UP_MS);
const rounds: Rounds[] = [];
for (let round = 0; round < ROUNDS; round++) {
  // Neighbours in time see the same machine, and neither is always the first.
  const first = await play(round % 2 === 0 ? bare : wrapped, ROUND_MS);
  const second = await play(round % 2 === 0 ? wrapped : bare, ROUND_MS);
  rounds.push(round % 2 === 0 ? { bare: first, wrapped: second } : { bare: second, wrapped: first });
}
process.send!(rounds, () => process.exit());
