import { setImmediate as turn } from 'node:timers/promises';
import { EmbeddedApiServer } from 'projected-token/testing';
import { createTokenVerifier } from 'projected-token/verify';
import { type Figure, type FigureGroup, median, percentile } from '../figure.js';

const FORGED_A_SECOND = 10_000;
/** What a server reads from its sockets in one turn of the event loop; the rest waits in the kernel. */
const FORGED_A_TURN = 20;
const GOOD_EVERY_MS = 5;
const ROUND_MS = 1_000;
const ROUNDS = 6;
/** More than the verifier remembers as refused, so that each is new to it. */
const FORGED_TOKENS = 5_000;
const AUDIENCE = 'billing';

/** What a good token waits for while others send forged ones. */
export async function measure(): Promise<FigureGroup> {
  const server = await EmbeddedApiServer.start({ algorithm: 'RS256', anonymousDiscovery: true });
  server.addServiceAccount('shop', 'checkout');
  const issue = async () => (await server.createToken('shop', 'checkout', { audiences: [AUDIENCE] })).token;
  const verifier = createTokenVerifier({ issuer: server.issuer, audience: AUDIENCE, apiServer: server.origin });
  const known = await issue();
  await verifier.verify(known);
  const goods = await Promise.all(Array.from({ length: 4 * (ROUNDS + 1) * (ROUND_MS / GOOD_EVERY_MS + 2) }, issue));

  const good: Record<string, () => string> = {
    'a good token, verified before': () => known,
    'a good token, new': () => goods.pop()!,
  };
  const floods: Record<string, readonly string[]> = {
    'whose key is unknown': forge(known, { kid: 'unknown' }),
    'whose signature is wrong': forge(known, {}),
  };
  const figures: Figure[] = [];
  for (const [name, next] of Object.entries(good)) {
    for (const [flood, forged] of Object.entries(floods)) {
      const quiet: number[] = [];
      const flooded: number[] = [];
      let sent = 0;
      for (let round = 0; round <= ROUNDS; round++) {
        const without = await latencies(next, []);
        const beside = await latencies(next, forged);
        // The first round warms up.
        if (round === 0) continue;
        quiet.push(...without.times);
        flooded.push(...beside.times);
        sent += beside.sent;
      }
      const ratio = median(flooded) / median(quiet);
      const beside = `${name}, beside forged ones ${flood}`;
      figures.push(
        { name, value: median(quiet), unit: 'µs', ratio: 1 },
        { name: beside, value: median(flooded), unit: 'µs', ratio, aim: { text: '≤ 2 × without', isMet: ratio <= 2 } },
        { name: '… 99 of 100 within', value: percentile(flooded, 0.99), unit: 'µs' },
        {
          name: '… forged ones that were verified meanwhile',
          value: Math.round((sent * 1000) / (ROUNDS * ROUND_MS)),
          unit: '/s',
        },
      );
    }
  }
  await server.close();
  return {
    title: `A verifier under ${FORGED_A_SECOND.toLocaleString('en')} forged tokens a second`,
    method:
      `Microseconds from the moment when a good token was due until it was accepted, so the wait for the event loop counts; one every ${GOOD_EVERY_MS} ms, ` +
      `median of ${ROUNDS} rounds of ${ROUND_MS / 1000} s with and without the flood in turns. Forged and good tokens come to one process; each forged one is new to it, signed RS256.`,
    figures,
  };

  /** Sends good tokens when they are due, and forged ones at their rate; resolves with how long each good one took, and how many forged ones were sent. */
  async function latencies(
    nextGood: () => string,
    forged: readonly string[],
  ): Promise<{ times: readonly number[]; sent: number }> {
    const times: number[] = [];
    const underWay: Promise<unknown>[] = [];
    const start = performance.now();
    let sent = 0;
    let goodDue = start + GOOD_EVERY_MS;
    for (let now = start; now < start + ROUND_MS; now = performance.now()) {
      const due = forged.length === 0 ? 0 : ((now - start) / 1000) * FORGED_A_SECOND - sent;
      for (let n = 0; n < Math.min(due, FORGED_A_TURN); n++) {
        verifier.verify(forged[sent++ % forged.length]!).catch(() => undefined);
      }
      for (; now >= goodDue; goodDue += GOOD_EVERY_MS) {
        const planned = goodDue;
        underWay.push(verifier.verify(nextGood()).then(() => times.push((performance.now() - planned) * 1000)));
      }
      await turn();
    }
    await Promise.all(underWay);
    return { times, sent };
  }
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
