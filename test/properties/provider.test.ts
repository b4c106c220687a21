import fc from 'fast-check';
import { BoundToken, ProjectedTokenProvider } from 'projected-token';
import { withToken } from 'projected-token/fetch';
import { TokenIssuer } from 'projected-token/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MARGIN_MS, Model, START, type Step, step } from './token-file-model.js';

function expectPresentable(model: Model, token: string): void {
  expect(model.good, 'a token that was in the file, for the audience asked for').toContain(token);
  expect(BoundToken.parse(token).expiresAt!.getTime() - MARGIN_MS, 'not expired').toBeGreaterThan(Date.now());
}

/** Reads of a volume take 3 s at the most; a call may wait for the one under way, the one after it, and its pauses. */
const SETTLED_MS = 10_000;

/** Whether the volume hung at any moment of a call: then it may know less than the file holds. */
let hasHung = false;

/** Lets time pass until the call has settled. Fails when it does not. */
async function settled<T>(model: Model, work: Promise<T>): Promise<T> {
  hasHung = model.isSilent;
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  work.then(settle, settle);
  const startMs = performance.now();
  while (!isSettled) {
    // Memory answers within a turn; only what hangs, or a file that is missing for a moment, takes time.
    for (let turns = 0; turns < 5 && !isSettled; turns++) await vi.advanceTimersByTimeAsync(0);
    if (!isSettled) await vi.advanceTimersByTimeAsync(10);
    if (performance.now() - startMs > SETTLED_MS) throw new Error('A call did not settle.');
  }
  return work;
}

/** What is shown is true by the clock, whatever hangs. */
function expectTrueStatus(provider: ProjectedTokenProvider): void {
  const { state, token } = provider.status;
  const { current } = provider;
  expect(token?.fingerprint).toBe(current?.fingerprint);
  expect(provider.peekToken()).toBe(current?.value);
  expect(state === 'ready').toBe(current !== undefined);
  if (current !== undefined) expect(current.expiresAt!.getTime() - MARGIN_MS).toBeGreaterThan(Date.now());
}

async function take(model: Model, provider: ProjectedTokenProvider, { ...what }: Step): Promise<void> {
  switch (what.do) {
    case 'hang':
      model.hanging = what.what;
      return;
    case 'answer':
      return model.answer(what.late);
    case 'write':
      return model.write(await model.mint(what.lifeSeconds, what.audience));
    case 'write again': {
      const again = model.good[what.which];
      return again === undefined ? undefined : model.write(again);
    }
    case 'corrupt':
      return model.write(what.content);
    case 'half a swap': {
      model.volume.remount();
      const operations = model.volume.steps(await model.mint(what.lifeSeconds));
      for (let count = 0; count < what.operations; count++) operations.next();
      return;
    }
    case 'unmount':
      return model.volume.unmount();
    case 'remount':
      return model.volume.remount();
    case 'deafen':
      model.isDeaf = true;
      return;
    case 'hear':
      model.isDeaf = false;
      return;
    case 'wait':
      await vi.advanceTimersByTimeAsync(what.ms);
      return;
    case 'settle':
      await vi.advanceTimersByTimeAsync(0);
      return;
    case 'set clock':
      vi.setSystemTime(Date.now() + what.byMs);
      return;
    case 'request': {
      const token = await settled(model, provider.getToken()).catch(() => undefined);
      if (token === undefined && !hasHung) expect(model.usable, 'no token although the file held one').toBeUndefined();
      else if (token !== undefined) expectPresentable(model, token);
      return;
    }
    case 'send': {
      const carried: string[] = [];
      // Signed before the request: while a call settles, time passes in turns of the event loop, and signing takes real time.
      const rotations = [await model.mint(600), await model.mint(600)];
      const service = async (input: string | URL | Request, init?: RequestInit) => {
        const token = new Request(input, init).headers.get('authorization')!.slice('Bearer '.length);
        carried.push(token);
        if (what.isRefused === 'by a rotation each time') model.write(rotations.pop()!);
        const isTaken = what.isRefused === 'unless of the file' && token === model.usable;
        return new Response(undefined, { status: isTaken ? 200 : 401 });
      };
      const send = withToken(service, provider, { origins: ['https://vault.internal'] });
      const sent = send('https://vault.internal/v1/secret');
      const response = await settled(model, sent).catch(() => undefined);
      expect(carried.length, 'never two retries').toBeLessThanOrEqual(2);
      expect(new Set(carried).size, 'never the refused token again').toBe(carried.length);
      for (const token of carried) expectPresentable(model, token);
      if (hasHung) return;
      if (model.usable === undefined) expect(response?.status).not.toBe(200);
      else expect(response?.status).toBe(what.isRefused === 'unless of the file' ? 200 : 401);
      return;
    }
    case 'refuse': {
      const refused = provider.current?.value ?? 'none';
      const replacement = await settled(model, provider.replaceToken(refused));
      expect(replacement).not.toBe(refused);
      if (replacement !== undefined) expectPresentable(model, replacement);
      else if (model.usable !== undefined && !hasHung) expect(model.usable, 'there was another token').toBe(refused);
      return;
    }
    case 'refresh': {
      const token = await settled(model, provider.refresh()).catch(() => undefined);
      if (token !== undefined) expectPresentable(model, token.value);
      if (model.usable !== undefined && !hasHung) expect(token?.value).toBe(model.usable);
      return;
    }
  }
}

describe('any sequence of file operations, operations that do not come back, clock moves, requests and refusals', () => {
  afterEach(() => void vi.useRealTimers());

  const runs = Number(process.env.PROPERTY_RUNS ?? 300);
  const long = { timeout: 180_000 + runs * 500 };
  it(
    'never gives an expired token nor one that was not in the file, and ends with the last valid one',
    long,
    async () => {
      const issuer = await TokenIssuer.create({ algorithm: 'ES256' });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
          vi.useFakeTimers({ now: START, toFake: ['Date', 'setTimeout', 'clearTimeout', 'performance'] });
          const model = new Model(issuer);
          model.write(await model.mint(600));
          const provider = await ProjectedTokenProvider.open({
            path: model.volume.path,
            audience: 'vault',
            fs: model.fs,
          });
          try {
            for (const next of steps) {
              await take(model, provider, next);
              expectTrueStatus(provider);
            }
            model.answer('only what comes now');
            // Longer than a poll, and than a read that still hangs: whatever was lost on the way is found by then.
            await vi.advanceTimersByTimeAsync(11_000);
            await vi.advanceTimersByTimeAsync(4000);
            expectTrueStatus(provider);
            if (model.usable !== undefined) {
              expect(provider.current?.value).toBe(model.usable);
              expect(provider.status.state).toBe('ready');
              expect(await provider.getToken()).toBe(model.usable);
            }
          } finally {
            await settled(model, provider.close());
          }
        }),
        { numRuns: runs },
      );
    },
  );
});
