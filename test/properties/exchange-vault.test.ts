import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fakeClock, passQuickly, realClock, setClock } from '../helpers/fake-clock.js';
import { SERVER_MOODS, type ServerMood } from '../helpers/faulty-server.js';
import { FaultyVault, type LookupAnswer } from '../helpers/faulty-vault.js';
import type { ScriptedSource } from '../helpers/scripted-source.js';
import { REQUEST_TIMEOUT_MS, VaultModel } from '../helpers/vault-model.js';

/** Any sequence of what callers, clocks, the source and a Vault on a real socket can do. */
type Step =
  | { readonly do: 'get' | 'replace' | 'abort' | 'settle' | 'start' | 'rotate' | 'answer late' | 'close' }
  | { readonly do: 'reject every token'; readonly times: number; readonly apartMs: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'set clock'; readonly byMs: number }
  | { readonly do: 'vault'; readonly is: ServerMood }
  | { readonly do: 'source'; readonly is: ScriptedSource['mood'] }
  | { readonly do: 'lookup'; readonly is: LookupAnswer }
  | { readonly do: 'leases'; readonly leaseSeconds: number; readonly isRenewable: boolean };

const often = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });
const one = <T extends string | number | boolean>(...values: T[]) => fc.constantFrom(...values);

const step: fc.Arbitrary<Step> = fc.oneof(
  often(7, fc.record({ do: one('get', 'get', 'replace', 'abort', 'settle', 'start', 'rotate', 'answer late') })),
  often(1, fc.record({ do: one('close') })),
  often(1, fc.record({ do: one('reject every token'), times: one(8, 70), apartMs: one(0, 1_000, 60_000) })),
  often(6, fc.record({ do: one('wait'), ms: one(1, 1_000, 9_999, 10_000, 30_000, 45_000, 300_000, 900_000) })),
  often(2, fc.record({ do: one('set clock'), byMs: one(-86_400_000, -10_000, -900, 900, 10_000, 3_600_000) })),
  often(5, fc.record({ do: one('vault'), is: one(...SERVER_MOODS) })),
  often(2, fc.record({ do: one('source'), is: one('gives', 'throws', 'hangs') })),
  often(2, fc.record({ do: one('lookup'), is: one<LookupAnswer>('good', 'policy', 'revoked', 'cannot tell') })),
  often(2, fc.record({ do: one('leases'), leaseSeconds: one(0.01, 1, 5, 60, 3600, 1e18), isRenewable: fc.boolean() })),
);

const GET_MS = 3 * REQUEST_TIMEOUT_MS;
const REPLACE_MS = 4 * GET_MS;
/** The wait for a first token, which is left at its default, and the closing after it. */
const START_MS = 30_000 + 1_000;

let vault: FaultyVault;
beforeAll(async () => {
  // The first request loads it.
  await import('undici');
  vault = await FaultyVault.start();
});
afterAll(() => vault.server.close());

/** Takes the steps, and looks at what is true after each. */
class Scene {
  readonly model = new VaultModel(vault);
  #callers = new AbortController();

  async take(step: Step): Promise<void> {
    const { model } = this;
    const { provider, source, settle } = model;
    switch (step.do) {
      case 'start':
        return model.follow(
          'start',
          START_MS,
          provider.start().then(() => undefined),
        );
      case 'get':
        return model.follow('getToken', GET_MS, provider.getToken({ signal: this.#callers.signal }));
      case 'replace':
        return this.#replace();
      case 'abort':
        this.#callers.abort();
        this.#callers = new AbortController();
        return;
      case 'reject every token':
        for (let time = 0; time < step.times; time++) {
          this.#replace();
          await (step.apartMs === 0 ? settle() : passQuickly(step.apartMs, settle));
        }
        return;
      case 'settle':
        return settle();
      case 'wait':
        return passQuickly(step.ms, settle);
      case 'set clock':
        await settle();
        return setClock(step.byMs / 1000);
      case 'vault':
        vault.server.mood = step.is;
        return;
      case 'answer late':
        await settle();
        vault.server.answerLate();
        return settle();
      case 'source':
        source.mood = step.is;
        return;
      case 'rotate':
        return source.rotate();
      case 'lookup':
        vault.lookup = step.is;
        return;
      case 'leases':
        return void Object.assign(vault, step);
      case 'close':
        model.isClosed = true;
        return void provider.close();
    }
  }

  /** The fault is over: one who asks now has a token within a quarter of the outage. */
  async recover(): Promise<void> {
    const { model } = this;
    const { provider, settle } = model;
    Object.assign(vault, { leaseSeconds: 3600, isRenewable: true });
    vault.server.mood = 'well';
    model.source.mood = 'gives';
    // What was asked during the fault and is not answered ends by its deadline: so long the fault lasts.
    await passQuickly(GET_MS, settle);
    if (model.isClosed) return;
    const outageMs = performance.now() - (model.failingSinceMs ?? performance.now());
    const pauseMs = Math.min(300_000, Math.max(1_000, outageMs / 4));
    const isWell = () => provider.status.state === 'ready' && provider.status.nextAttemptAt!.getTime() > Date.now();
    for (let waitedMs = 0; !isWell() && waitedMs <= pauseMs; waitedMs += pauseMs / 20) {
      model.follow('getToken', GET_MS, provider.getToken());
      await passQuickly(Math.ceil(pauseMs / 20), settle);
    }
    model.assertTrue();
    expect(isWell(), `well again ${pauseMs} ms after an outage of ${outageMs} ms`).toBe(true);
    model.follow('getToken', 0, provider.getToken());
    await passQuickly(REPLACE_MS + 1, settle);
    model.assertTrue();
    expect(model.calls.count, 'calls that go on').toBe(0);
  }

  /** Ends everything; nothing is left. */
  async end(): Promise<void> {
    const { model } = this;
    await model.end();
    model.assertTrue();
    expect(model.calls.count, 'calls that go on after closing').toBe(0);
    await expect.poll(() => vault.server.openConnections, { message: 'connections' }).toBe(0);
  }

  #replace(): void {
    const { model } = this;
    const refused = model.provider.peekToken() ?? 'none';
    const call = model.provider.replaceToken(refused, { signal: this.#callers.signal });
    model.follow('replaceToken', REPLACE_MS, call, refused);
  }
}

describe('any sequence of calls, clock moves and faults of a Vault on a real socket', () => {
  afterEach(realClock);

  it('gives no expired token, tells the truth, lets nobody wait, and recovers', { timeout: 3_600_000 }, async () => {
    const steps = fc.array(step, { maxLength: 20 });
    const chance = fc.double({ min: 0.05, max: 0.999_999, noNaN: true });
    await fc.assert(
      fc.asyncProperty(steps, chance, async (steps, chance) => {
        fakeClock(chance);
        vault.reset();
        const scene = new Scene();
        try {
          for (const next of steps) {
            await scene.take(next);
            scene.model.assertTrue();
          }
          await scene.recover();
          await scene.end();
        } finally {
          vault.server.mood = 'well';
          vault.server.answerLate();
          await scene.model.end();
          realClock();
        }
      }),
      { numRuns: Number(process.env.PROPERTY_RUNS ?? 100) },
    );
  });
});
