import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { kubeletWrites, TOKEN_KINDS, type Troubles } from '../../bench/simulation/kubelet-policy.js';
import { seededRandom } from '../../bench/simulation/random.js';
import { ISSUER, ObservedProgram, publish, SCRAPE_INTERVAL_MS, START_MS } from './observed-program.js';
import { ALERTS, firedOver, heldOver, PROMTOOL } from './promtool.js';

const NEVER = { everySeconds: 1e12, seconds: 0 };
/** A cluster in which nothing goes wrong: the pods are synced as the kubelet does it, and it is restarted now and then. */
const NO_TROUBLES: Troubles = {
  refreshFailureChance: 0,
  outage: NEVER,
  restartEverySeconds: 86_400,
  busyKubelet: NEVER,
  termination: NEVER,
};

let key: CryptoKey;
let tokenFor: (audience: string) => Promise<string>;
beforeAll(async () => {
  const pair = await generateKeyPair('ES256');
  key = pair.privateKey;
  publish([{ ...(await exportJWK(pair.publicKey)), kid: 'one' }]);
  tokenFor = (audience) => {
    const nowSeconds = Math.floor(Date.now() / 1000);
    const kubernetes = { namespace: 'shop', serviceaccount: { name: 'checkout', uid: 'b5ed' } };
    return new SignJWT({ 'kubernetes.io': kubernetes })
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .setIssuer(ISSUER)
      .setSubject('system:serviceaccount:shop:checkout')
      .setAudience(audience)
      .setIssuedAt(nowSeconds)
      .setNotBefore(nowSeconds)
      .setExpirationTime(nowSeconds + 600)
      .sign(key);
  };
});

let program: ObservedProgram | undefined;
afterEach(async () => {
  await program?.end();
  program = undefined;
});

/** Runs a program past a kubelet that does its work until it stops, with a request now and then. */
async function run({
  kinds = [TOKEN_KINDS[1]!],
  minutes,
  kubeletStopsAtMinute = Number.POSITIVE_INFINITY,
  audience = 'vault',
  isWatchable = true,
  isReviewing = false,
  requestEveryMinutes = 1,
  eachMinute,
}: {
  kinds?: typeof TOKEN_KINDS;
  minutes: number;
  kubeletStopsAtMinute?: number;
  audience?: string;
  isWatchable?: boolean;
  isReviewing?: boolean;
  requestEveryMinutes?: number;
  eachMinute?: (program: ObservedProgram, minute: number) => unknown;
}): Promise<ObservedProgram['series']> {
  const endMs = START_MS + minutes * SCRAPE_INTERVAL_MS;
  const writes = kinds
    .flatMap((kind, pod) => {
      const random = seededRandom(pod + 1);
      return [...kubeletWrites(kind, NO_TROUBLES, START_MS, endMs, random)].map((write) => ({ ...write, pod }));
    })
    .sort((one, other) => one.atMs - other.atMs);
  // The first of each is at the start.
  const first = writes.splice(0, kinds.length);
  const observed = await ObservedProgram.start(
    first.map(({ token }) => token),
    { isWatchable, isReviewing },
  );
  program = observed;
  for (let minute = 0; minute < minutes; minute++) {
    const scrapedAtMs = START_MS + minute * SCRAPE_INTERVAL_MS;
    const happenings: { atMs: number; happen(): unknown }[] = [];
    while (writes[0] !== undefined && writes[0].atMs <= scrapedAtMs) {
      const { atMs, token, pod } = writes.shift()!;
      if (minute < kubeletStopsAtMinute) happenings.push({ atMs, happen: () => observed.write(pod, token) });
    }
    if (eachMinute !== undefined) happenings.push({ atMs: scrapedAtMs, happen: () => eachMinute(observed, minute) });
    if (minute % requestEveryMinutes === 0) {
      happenings.push({ atMs: scrapedAtMs, happen: async () => observed.receive(await tokenFor(audience)) });
    }
    await observed.scrape(happenings);
  }
  return observed.series;
}

// Says in the report why it is skipped.
const suite = PROMTOOL === undefined ? describe.skip : describe;
const name = PROMTOOL === undefined ? 'alerts (skipped: promtool is not installed)' : 'alerts';

suite(name, { timeout: 240_000 }, () => {
  // Some 10 s of work, which take longer where many share a processor.
  it('do not fire in a week of rotations of tokens of all kinds', async () => {
    const series = await run({ kinds: TOKEN_KINDS, minutes: 7 * 24 * 60, requestEveryMinutes: 10 });
    const rotations = [...series].filter(([name]) => name.startsWith('projected_token_rotations_total'));
    expect(rotations.map(([, samples]) => samples.at(-1)! > 5)).toEqual(TOKEN_KINDS.map(() => true));
    expect(await heldOver(series)).toEqual({});
  });

  const FAULTS: Record<string, { alerts: string[]; given: Parameters<typeof run>[0] }> = {
    'the kubelet replaces no token of an hour any more': {
      alerts: ['ProjectedTokenRotationOverdue', 'ProjectedTokenExpiresSoon', 'ProjectedTokenExpired'],
      given: { minutes: 120, kubeletStopsAtMinute: 10 },
    },
    'the kubelet replaces no token of 10 minutes any more': {
      alerts: ['ProjectedTokenExpired'],
      given: { kinds: [TOKEN_KINDS[0]!], minutes: 60, kubeletStopsAtMinute: 15 },
    },
    'something writes texts that are no tokens': {
      alerts: ['ProjectedTokenRejected'],
      given: {
        minutes: 60,
        eachMinute: ({ pods }, minute) => minute > 20 && pods[0]!.volume.write(`no token ${minute}`),
      },
    },
    'a server rejects every token': {
      alerts: ['ProjectedTokenRefused'],
      given: {
        minutes: 60,
        eachMinute: async ({ pods: [pod] }) => {
          const { provider } = pod!;
          for (let request = 0; request < 10; request++) await provider.replaceToken(provider.peekToken()!);
        },
      },
    },
    'the node is out of inotify watches': {
      alerts: ['ProjectedTokenPolling'],
      given: { minutes: 60, isWatchable: false },
    },
    'Vault is down': {
      alerts: ['ProjectedTokenExchangeFailing', 'ProjectedTokenExchangeExpired'],
      given: {
        minutes: 150,
        eachMinute: ({ servers }, minute) => {
          if (minute === 20) servers.vault = undefined;
        },
      },
    },
    'Vault denies the login': {
      alerts: ['ProjectedTokenExchangeDenied', 'ProjectedTokenExchangeFailing'],
      given: {
        minutes: 80,
        eachMinute: ({ servers }, minute) => {
          if (minute === 20) servers.vault = 403;
        },
      },
    },
    'the issuer is down': {
      alerts: ['ProjectedTokenKeyFetchesFail', 'ProjectedTokenVerifierUnavailable'],
      given: {
        minutes: 150,
        eachMinute: ({ servers }, minute) => {
          if (minute === 20) servers.issuer = false;
        },
      },
    },
    'the API server answers no TokenReviews': {
      alerts: ['ProjectedTokenReviewsFail', 'ProjectedTokenVerifierUnavailable'],
      given: {
        minutes: 60,
        isReviewing: true,
        eachMinute: ({ servers }, minute) => {
          if (minute === 20) servers.reviews = 500;
        },
      },
    },
    'the senders have the audience of another service': {
      alerts: ['ProjectedTokenVerifierRejectsMost'],
      given: { minutes: 60, audience: 'billing' },
    },
  };

  it('do not fire where tokens are reviewed and nothing is wrong', async () => {
    const series = await run({ minutes: 120, isReviewing: true });
    const reviews = [...series].find(([name]) => /^projected_token_reviews_total.*"answered"/.test(name));
    expect(reviews![1].at(-1)).toBeGreaterThan(100);
    expect(await firedOver(series)).toEqual({});
  });

  it.each(Object.entries(FAULTS))('fire when %s', async (_, { alerts, given }) => {
    const series = await run(given);
    const fired = await firedOver(series);
    expect(Object.keys(fired)).toEqual(expect.arrayContaining(alerts));
    // To the minute: what is said of the week rests on this.
    expect(await heldOver(series)).toEqual(fired);
  });

  it('are each shown to fire', () => {
    const shown = new Set(Object.values(FAULTS).flatMap(({ alerts }) => alerts));
    expect(ALERTS.filter(({ alert }) => !shown.has(alert))).toEqual([]);
  });
});
