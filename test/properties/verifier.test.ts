import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fakeClock, passQuickly, realClock, setClock } from '../helpers/fake-clock.js';
import { FaultyCluster, type MadeToken } from '../helpers/faulty-cluster.js';
import { SERVER_MOODS, type ServerMood } from '../helpers/faulty-server.js';
import { VERIFY_MS, VerifierModel } from '../helpers/verifier-model.js';

/** Any sequence of what senders, clocks and two clusters can do; `of` is the cluster. */
type Step =
  | { readonly do: 'send'; readonly of: 0 | 1; readonly lifeSeconds: number }
  | {
      readonly do: 'send old ones' | 'rotate key' | 'withdraw keys' | 'delete pods' | 'answer late';
      readonly of: 0 | 1;
    }
  | { readonly do: 'forge'; readonly of: 0 | 1; readonly how: 'known kid' | 'unknown kid'; readonly times: number }
  | { readonly do: 'server'; readonly of: 0 | 1; readonly is: ServerMood }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'set clock'; readonly byMs: number }
  | { readonly do: 'settle' };

const often = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });
const one = <T extends string | number | boolean>(...values: T[]) => fc.constantFrom(...values);
const of = one<0 | 1>(0, 1);

const step: fc.Arbitrary<Step> = fc.oneof(
  often(6, fc.record({ do: one('send'), of, lifeSeconds: one(10, 600, 3600, 86_400) })),
  often(6, fc.record({ do: one('send old ones'), of })),
  often(4, fc.record({ do: one('rotate key', 'withdraw keys', 'delete pods', 'answer late'), of })),
  often(2, fc.record({ do: one('forge'), of, how: one('known kid', 'unknown kid'), times: one(1, 60) })),
  often(4, fc.record({ do: one('server'), of, is: one(...SERVER_MOODS) })),
  often(
    6,
    fc.record({ do: one('wait'), ms: one(1, 2_000, 4_999, 5_001, 10_001, 61_000, 599_000, 601_000, 3_601_000) }),
  ),
  often(2, fc.record({ do: one('set clock'), byMs: one(-86_400_000, -3_600_000, -90_000, 1_000, 90_000, 3_600_000) })),
  often(2, fc.record({ do: one('settle') })),
);

let clusters: [FaultyCluster, FaultyCluster];
beforeAll(async () => {
  // The first request loads it.
  await import('undici');
  clusters = [await FaultyCluster.start('https://keys.test'), await FaultyCluster.start('https://review.test')];
});
afterAll(() => Promise.all(clusters.map(({ server }) => server.close())));

/** Takes the steps, and looks at what is true after each. */
class Scene {
  readonly model: VerifierModel;
  readonly #sent: MadeToken[] = [];
  readonly #beganAtMs = performance.now();

  constructor(hasFallback: boolean) {
    for (const cluster of clusters) cluster.reset();
    this.model = new VerifierModel(...clusters, hasFallback);
  }

  async take(step: Step): Promise<void> {
    const { model } = this;
    switch (step.do) {
      case 'send': {
        const token = clusters[step.of].mint(step.lifeSeconds);
        this.#sent.push(token);
        return model.verify(token);
      }
      case 'send old ones':
        for (const token of this.#sentOf(step.of).slice(-5)) model.verify(token);
        return;
      case 'rotate key':
        return clusters[step.of].rotateKey();
      case 'withdraw keys':
        return clusters[step.of].withdrawKeys();
      case 'delete pods':
        for (const token of this.#sentOf(step.of)) token.revokedAtMs = Math.min(token.revokedAtMs, performance.now());
        return;
      case 'answer late':
        await model.settle();
        return clusters[step.of].server.answerLate();
      case 'forge':
        for (let time = 0; time < step.times; time++) model.verify(clusters[step.of].forge(step.how));
        return;
      case 'server':
        clusters[step.of].server.mood = step.is;
        return model.noteMood(clusters[step.of]);
      case 'wait':
        return passQuickly(step.ms, model.settle);
      case 'set clock':
        await model.settle();
        return setClock(step.byMs / 1000);
      case 'settle':
        return model.settle();
    }
  }

  /** The faults are over: a genuine token is accepted. */
  async recover(): Promise<void> {
    const { model } = this;
    for (const cluster of clusters) {
      cluster.server.mood = 'well';
      model.noteMood(cluster);
    }
    // What was asked during the faults ends by its deadline; then the pause after a failure passes.
    await passQuickly(VERIFY_MS + 5_001, model.settle);
    expect(model.calls.count, 'verifications that go on').toBe(0);
    for (const cluster of clusters) {
      let isAccepted = false;
      const accept = () => {
        isAccepted = true;
      };
      // A key that is new may have to wait for the next fetch, where forged tokens have used up the budget for those.
      for (let second = 0; second <= 10 && !isAccepted; second++) {
        model.verify(cluster.mint(3600), accept);
        await passQuickly(1_000, model.settle);
      }
      expect(isAccepted, `a genuine token of ${cluster.issuer} after the faults`).toBe(true);
    }
  }

  assertTrue(): void {
    this.model.calls.assertGood();
    // Anybody can make up key ids; what that leads to is bounded. A fetch asks for two documents.
    const fetches = 8 + (performance.now() - this.#beganAtMs) / 5_000;
    for (const { keyRequests, issuer } of clusters) {
      expect(keyRequests, `requests for the keys of ${issuer}`).toBeLessThanOrEqual(2 * fetches);
    }
  }

  #sentOf(cluster: 0 | 1): MadeToken[] {
    return this.#sent.filter((token) => token.cluster === clusters[cluster]);
  }
}

describe('any sequence of tokens, keys, clock moves and faults of two clusters', () => {
  afterEach(realClock);

  it('accepts nothing that it must not, lets nobody wait, and recovers', { timeout: 3_600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.boolean(), async (steps, hasFallback) => {
        fakeClock();
        const scene = new Scene(hasFallback);
        try {
          for (const next of steps) {
            await scene.take(next);
            scene.assertTrue();
          }
          await scene.recover();
          scene.assertTrue();
        } finally {
          for (const { server } of clusters) {
            server.answerLate();
            // A verifier keeps its connections for a while, on a clock that stands still now: thousands of them would stay.
            server.disconnect();
          }
          scene.model.end();
          realClock();
        }
      }),
      { numRuns: Number(process.env.PROPERTY_RUNS ?? 100) },
    );
  });
});
