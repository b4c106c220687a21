import { setImmediate as turn } from 'node:timers/promises';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { EmbeddedApiServer } from 'projected-token/testing';
import type * as Verify from 'projected-token/verify';
import { type Figure, type FigureGroup, mean, median, percentile } from '../figure.js';

// As it is published: the TypeScript loader adds work to each function that is made, which jose has not to do.
const { createTokenVerifier }: typeof Verify = await import(new URL('../../dist/verify.js', import.meta.url).href);

const FORGED_A_SECOND = 10_000;
/** What a server reads from its sockets in one turn of the event loop; the rest waits in the kernel. */
const FORGED_A_TURN = 20;
const GOOD_EVERY_MS = 5;
const ROUND_MS = 500;
const ROUNDS = 10;
/** New good tokens: four of the cases below use them, with and without the flood, and chance a few more. */
const MOST_GOOD = Math.ceil(4 * 2 * (ROUNDS + 1) * (ROUND_MS / GOOD_EVERY_MS) * 1.2);
/** More than the verifier remembers as refused, so that each is new to it. */
const FORGED_TOKENS = 5_000;
const AUDIENCE = 'billing';

/** Verifies a token; rejects for one that is not good. */
type Verification = (token: string) => Promise<unknown>;

/** What a good token waits for while others send forged ones. */
export async function measure(): Promise<FigureGroup> {
  const server = await EmbeddedApiServer.start({ algorithm: 'RS256', anonymousDiscovery: true });
  server.addServiceAccount('shop', 'checkout');
  const { issuer, origin: apiServer } = server;
  const issue = async () => (await server.createToken('shop', 'checkout', { audiences: [AUDIENCE] })).token;
  const verifier = createTokenVerifier({ issuer, audience: AUDIENCE, apiServer });
  const jwks = (await (await fetch(`${apiServer}/openid/v1/jwks`)).json()) as JSONWebKeySet;
  const keys = createLocalJWKSet(jwks);
  const rules = { issuer, audience: AUDIENCE, algorithms: ['RS256'], clockTolerance: 60 };
  const ofProjectedToken: Verification = (token) => verifier.verify(token);
  const ofJose: Verification = (token) => jwtVerify(token, keys, rules);

  const known = await issue();
  await verifier.verify(known);
  const unused = await Promise.all(Array.from({ length: MOST_GOOD }, issue));
  const nextNew = () => unused.pop()!;
  const unknownKey = forge(known, { kid: 'unknown' });
  const wrongSignature = forge(known, {});

  const cases: readonly (readonly [string, Verification, () => string, string, readonly string[]])[] = [
    ['projected-token: verified before', ofProjectedToken, () => known, 'with an unknown key', unknownKey],
    ['projected-token: verified before', ofProjectedToken, () => known, 'with a wrong signature', wrongSignature],
    ['projected-token: new', ofProjectedToken, nextNew, 'with an unknown key', unknownKey],
    ['projected-token: new', ofProjectedToken, nextNew, 'with a wrong signature', wrongSignature],
    ['jose: jwtVerify with a cached key set', ofJose, nextNew, 'with an unknown key', unknownKey],
    ['jose: jwtVerify with a cached key set', ofJose, nextNew, 'with a wrong signature', wrongSignature],
  ];
  const quiet = cases.map((): number[] => []);
  const flooded = cases.map((): number[] => []);
  const sent = cases.map(() => 0);
  // In turns, so that all see the same machine. The first round warms up.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [index, [, verify, nextGood, , forged]] of cases.entries()) {
      const without = await latencies(verify, nextGood, []);
      const beside = await latencies(verify, nextGood, forged);
      if (round === 0) continue;
      quiet[index]!.push(...without.times);
      flooded[index]!.push(...beside.times);
      sent[index]! += beside.sent;
    }
  }
  await server.close();
  const figures: Figure[] = cases.flatMap(([name, , , flood], index) => {
    const [without, beside] = [quiet[index]!, flooded[index]!];
    const ratio = median(beside) / median(without);
    const sentASecond = (sent[index]! * 1000) / (ROUNDS * ROUND_MS);
    // A flood that did not come in full shows nothing.
    const isFull = sentASecond >= 0.95 * FORGED_A_SECOND;
    const aim = name.startsWith('projected-token') && { text: '≤ 2 × without', isMet: isFull && ratio <= 2 };
    return [
      { name, value: median(without), unit: 'µs', ratio: 1 },
      { name: `${name}, beside forged ones ${flood}`, value: median(beside), unit: 'µs', ratio, ...(aim && { aim }) },
      { name: '… mean, relative to that without the flood', value: mean(beside) / mean(without), unit: '×' },
      { name: '… 99 of 100 within', value: percentile(beside, 0.99), unit: 'µs' },
      { name: '… forged ones a second', value: sentASecond, unit: '/s' },
    ];
  });
  return {
    title: `A verifier under ${FORGED_A_SECOND.toLocaleString('en')} forged tokens a second`,
    method:
      'Microseconds from the moment when a good token was due until it was accepted, so the wait for the event loop counts: ' +
      `median (and mean, relative to that without the flood) of ${ROUNDS} rounds of ${ROUND_MS / 1000} s, each way with and without the flood in turns. ` +
      `Good tokens come every ${GOOD_EVERY_MS} ms on average and forged ones at their rate, both at random times, from memory: to make and to send them costs the process nothing. ` +
      'All are signed RS256; each forged one is new to the verifier. Where fewer came a second, the machine was too slow for the rate.',
    figures,
  };
}

/** Sends good tokens when they are due, and forged ones at their rate; resolves with how long each good one took, and how many forged ones were sent. */
async function latencies(
  verify: Verification,
  nextGood: () => string,
  forged: readonly string[],
): Promise<{ times: readonly number[]; sent: number }> {
  const times: number[] = [];
  const underWay: Promise<unknown>[] = [];
  const start = performance.now();
  let sent = 0;
  let goodDue = start + pause(GOOD_EVERY_MS);
  let forgedDue = forged.length === 0 ? Number.POSITIVE_INFINITY : start;
  for (let now = start; now < start + ROUND_MS; now = performance.now()) {
    for (let n = 0; n < FORGED_A_TURN && now >= forgedDue; n++) {
      forgedDue += pause(1000 / FORGED_A_SECOND);
      verify(forged[sent++ % forged.length]!).catch(() => undefined);
    }
    for (; now >= goodDue; goodDue += pause(GOOD_EVERY_MS)) {
      const planned = goodDue;
      underWay.push(verify(nextGood()).then(() => times.push((performance.now() - planned) * 1000)));
    }
    await turn();
  }
  await Promise.all(underWay);
  return { times, sent };
}

/** A time between two arrivals of many senders who know nothing of each other (exponential, so that no rhythm meets another). */
function pause(averageMs: number): number {
  return -Math.log(1 - Math.random()) * averageMs;
}

/** Tokens that differ from a good one in a claim that nobody looks at, and so in their signature; and in their header. */
function forge(token: string, header: object): readonly string[] {
  const [head, payload, signature] = token.split('.').map((part) => Buffer.from(part, 'base64url')) as [
    Buffer,
    Buffer,
    Buffer,
  ];
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const forgedHeader = encode({ ...JSON.parse(head.toString()), ...header });
  const claims = JSON.parse(payload.toString());
  return Array.from({ length: FORGED_TOKENS }, (_, n) =>
    [forgedHeader, encode({ ...claims, jti: String(n) }), signature.toString('base64url')].join('.'),
  );
}
