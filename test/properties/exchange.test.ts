import fc from 'fast-check';
import { TokenExchangeError } from 'projected-token';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ExchangeModel } from '../helpers/exchange-model.js';
import { fakeClock, passQuickly, realClock, setClock } from '../helpers/fake-clock.js';
import { ATTEMPT_TIMEOUT_MS } from '../helpers/kept-token.js';
import { turn } from '../helpers/turn.js';

/** Any sequence of what callers, clocks and the other side of an exchange can do. */
type Step =
  | { readonly do: 'get' | 'peek' | 'replace' | 'replace an old one' | 'abort' | 'settle'; readonly callers: number }
  | { readonly do: 'reject every token'; readonly times: number; readonly apartMs: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'set clock'; readonly byMs: number }
  | { readonly do: 'other side'; readonly is: 'up' | 'down' | 'busy' | 'denying' | 'broken' | 'hanging' | 'answering' }
  | {
      readonly do: 'grants';
      readonly lifeSeconds: number;
      readonly refreshSeconds: number;
      readonly isRenewing: boolean;
    }
  | { readonly do: 'verdict'; readonly is: 'accepted' | 'rejected' | 'unknown' | 'throws' | 'hangs' }
  | { readonly do: 'close' | 'close when told' };

const often = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });
const one = <T extends string | number | boolean>(...values: T[]) => fc.constantFrom(...values);

const step: fc.Arbitrary<Step> = fc.oneof(
  often(
    8,
    fc.record({ do: one('get', 'peek', 'replace', 'replace an old one', 'abort', 'settle'), callers: one(1, 2, 50) }),
  ),
  often(1, fc.record({ do: one('reject every token'), times: one(10, 70), apartMs: one(0, 1_000, 60_000) })),
  often(
    6,
    fc.record({ do: one('wait'), ms: one(1, 500, 999, 1_000, 5_000, 29_999, 30_000, 41_000, 300_000, 3_600_000) }),
  ),
  often(
    2,
    fc.record({ do: one('set clock'), byMs: one(-86_400_000, -3_600_000, -10_000, -900, -1, 900, 10_000, 3_600_000) }),
  ),
  often(
    4,
    fc.record({ do: one('other side'), is: one('up', 'down', 'busy', 'denying', 'broken', 'hanging', 'answering') }),
  ),
  often(
    2,
    fc.record({
      do: one('grants'),
      lifeSeconds: one(-5, 0, 0.5, 1, 1.5, 20, 60, 3600, 1e10, Number.POSITIVE_INFINITY),
      refreshSeconds: one(-10, 0, 0.1, 1, 40, 2400, Number.POSITIVE_INFINITY),
      isRenewing: fc.boolean(),
    }),
  ),
  often(2, fc.record({ do: one('verdict'), is: one('accepted', 'rejected', 'unknown', 'throws', 'hangs') })),
  often(1, fc.record({ do: one('close', 'close when told') })),
);

const FAILURES: Record<string, Error> = {
  down: new TokenExchangeError('ERR_EXCHANGE_UNAVAILABLE', 'down'),
  busy: new TokenExchangeError('ERR_EXCHANGE_UNAVAILABLE', 'busy', { retryAfterMs: 45_000 }),
  denying: new TokenExchangeError('ERR_EXCHANGE_DENIED', 'no'),
  broken: new TypeError('none of ours'),
};

/** `getToken` joins one attempt; `replaceToken` may wait for one, for a look at the token, for another attempt, and then gets a token. */
const GET_MS = ATTEMPT_TIMEOUT_MS;
const REPLACE_MS = 4 * ATTEMPT_TIMEOUT_MS;

/** Takes the steps, and looks at what is true after each. */
class Scene {
  readonly model = new ExchangeModel();
  #release = () => {};
  #callers = new AbortController();

  async take(step: Step): Promise<void> {
    const { model } = this;
    const { token, side } = model;
    switch (step.do) {
      case 'get':
        return this.#call(step.callers, () => model.follow('getToken', GET_MS, token.getToken(this.#options)));
      case 'peek': {
        const peeked = token.peekToken();
        if (peeked !== undefined) model.assertUsable('peekToken', peeked);
        return;
      }
      case 'replace':
        return this.#call(step.callers, () => this.#replace(token.grant?.token ?? 'none'));
      case 'replace an old one':
        return this.#call(step.callers, () => this.#replace('token-1'));
      case 'abort':
        this.#callers.abort();
        this.#callers = new AbortController();
        await turn();
        expect(model.calls.count, 'calls that go on although their signal has aborted').toBe(0);
        return;
      case 'reject every token':
        for (let time = 0; time < step.times; time++) {
          this.#replace(token.grant?.token ?? 'none');
          await (step.apartMs === 0 ? turn() : passQuickly(step.apartMs));
        }
        return;
      case 'settle':
        return turn();
      case 'wait':
        return passQuickly(step.ms);
      case 'set clock':
        await turn();
        setClock(step.byMs / 1000);
        return model.noteClockSet(step.byMs);
      case 'other side':
        return this.#turnOtherSide(step.is);
      case 'grants':
        return void Object.assign(side, step);
      case 'verdict':
        if (step.is === 'throws' || step.is === 'hangs') model.look = step.is;
        else Object.assign(model, { look: 'answers' }).side.verdict = step.is;
        return;
      case 'close':
        return this.#close();
      case 'close when told':
        side.afterGrant = () => void this.#close();
        return;
    }
  }

  /** The fault is over: one who asks now has a token within a quarter of the outage. */
  async recover(isAnsweredLate: boolean): Promise<void> {
    const { model } = this;
    const { token, side } = model;
    if (model.isClosed) return;
    Object.assign(side, { lifeSeconds: 3600, refreshSeconds: 2400, isRenewing: false, failure: undefined });
    side.afterGrant = () => {};
    // What hangs was asked during the fault. Where it is never answered, the fault lasts until its deadline.
    if (isAnsweredLate) this.#release();
    else side.gate = undefined;
    await turn();
    while (model.isAsking) await passQuickly(100);
    const outageMs = performance.now() - (model.failingSinceMs ?? performance.now());
    const pauseMs = Math.min(300_000, Math.max(1_000, outageMs / 4)) + (model.failure?.retryAfterMs ?? 0);
    const isWell = () =>
      token.grant !== undefined && (token.failure === undefined || Date.now() < token.grant.refreshAtMs);
    for (let waitedMs = 0; !isWell() && waitedMs <= pauseMs; waitedMs += pauseMs / 50) {
      model.follow('getToken', GET_MS, token.getToken());
      await passQuickly(Math.ceil(pauseMs / 50));
    }
    model.assertTrue();
    expect(isWell(), `well again ${pauseMs} ms after an outage of ${outageMs} ms`).toBe(true);
    model.assertUsable('getToken', await token.getToken());
    // Whatever still waits, for a look that hangs, ends by its time limit.
    await passQuickly(REPLACE_MS + 1);
    model.assertTrue();
    expect(model.calls.count, 'calls that go on').toBe(0);
  }

  /** Ends everything; nothing is left. */
  async end(): Promise<void> {
    await this.#close();
    expect(this.model.calls.count, 'calls that go on after closing').toBe(0);
    this.model.assertTrue();
    expect(vi.getTimerCount(), 'timers that are left').toBe(0);
    // No attempt begins any more.
    await passQuickly(600_000);
    this.model.assertTrue();
  }

  get #options() {
    return { signal: this.#callers.signal };
  }

  #call(callers: number, call: () => void): void {
    for (let caller = 0; caller < callers; caller++) call();
  }

  #replace(refused: string): void {
    const { model } = this;
    model.follow('replaceToken', REPLACE_MS, model.token.replaceToken(refused, this.#options), refused);
  }

  #turnOtherSide(is: string): void {
    const { side } = this.model;
    if (is === 'hanging') this.#release = side.hold();
    else if (is === 'answering') this.#release();
    else side.failure = FAILURES[is];
  }

  async #close(): Promise<void> {
    this.model.isClosed = true;
    await this.model.token.close();
    await turn();
  }
}

describe('any sequence of calls, clock moves and faults of the other side of an exchange', () => {
  afterEach(realClock);

  it('gives no expired token, tells the truth, lets nobody wait, and recovers', { timeout: 3_600_000 }, async () => {
    const steps = fc.array(step, { maxLength: 30 });
    // Not 0: a pause that never lasts is no pause of a back-off with jitter.
    const chance = fc.double({ min: 0.05, max: 0.999_999, noNaN: true });
    await fc.assert(
      fc.asyncProperty(steps, chance, fc.boolean(), async (steps, chance, isAnsweredLate) => {
        fakeClock(chance);
        const scene = new Scene();
        try {
          for (const next of steps) {
            await scene.take(next);
            scene.model.assertTrue();
          }
          await scene.recover(isAnsweredLate);
          await scene.end();
        } finally {
          await scene.model.token.close();
          realClock();
        }
      }),
      { numRuns: Number(process.env.PROPERTY_RUNS ?? 300) },
    );
  });
});
