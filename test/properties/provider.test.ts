import fc from 'fast-check';
import { createFsFromVolume, Volume } from 'memfs';
import { BoundToken, ProjectedTokenProvider, type TokenFileSystem } from 'projected-token';
import { withToken } from 'projected-token/fetch';
import { TokenIssuer, TokenVolume } from 'projected-token/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';

/**
 * Any sequence of what can happen to a token file, to the clock and to its readers, against a small model: the set of tokens
 * that were ever in the file, and what is in it now.
 */
type Step =
  | { readonly do: 'write'; readonly lifeSeconds: number; readonly audience: 'vault' | 'other' }
  | { readonly do: 'write again'; readonly which: number }
  | { readonly do: 'corrupt'; readonly content: string }
  | { readonly do: 'half a swap'; readonly lifeSeconds: number; readonly operations: number }
  | { readonly do: 'unmount' | 'remount' | 'deafen' | 'hear' | 'request' | 'refuse' | 'refresh' | 'settle' }
  | { readonly do: 'send'; readonly isRefused: 'unless of the file' | 'for ever' | 'by a rotation each time' }
  | { readonly do: 'hang'; readonly what: 'this read' | 'all reads' | 'all looks' }
  | { readonly do: 'answer'; readonly late: 'what hangs, too' | 'only what comes now' }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'set clock'; readonly byMs: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      lifeSeconds: fc.constantFrom(5, 30, 600, 3600),
      audience: fc.constantFrom('vault' as const, 'vault' as const, 'other' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('write again' as const), which: fc.nat(5) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('corrupt' as const),
      content: fc.oneof(fc.constantFrom('', ' ', 'a.b.c', '\0'), fc.string()),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('half a swap' as const),
      lifeSeconds: fc.constantFrom(30, 600),
      operations: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('unmount', 'remount', 'deafen', 'hear', 'request', 'refuse', 'refresh', 'settle'),
    }) as fc.Arbitrary<Step>,
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      isRefused: fc.constantFrom(
        'unless of the file' as const,
        'for ever' as const,
        'by a rotation each time' as const,
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('hang' as const),
      what: fc.constantFrom('this read' as const, 'all reads' as const, 'all looks' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('answer' as const),
      late: fc.constantFrom('what hangs, too' as const, 'only what comes now' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(1, 500, 1500, 11_000, 90_000, 700_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('set clock' as const),
      byMs: fc.constantFrom(-86_400_000, -3_600_000, -1000, 1000, 3_600_000, 86_400_000),
    }),
  },
);

const START = new Date('2026-03-01T12:00:00Z');
const MARGIN_MS = 10_000;

class Model {
  readonly memory = createFsFromVolume(new Volume());
  readonly volume = new TokenVolume({ directory: '/mnt/tokens', fs: this.memory });
  readonly everWritten = new Set<string>();
  readonly good: string[] = [];
  isDeaf = false;
  /** Operations that do not come back, for as long as the volume does not answer. */
  hanging: 'none' | 'this read' | 'all reads' | 'all looks' = 'none';
  readonly #stuck: (() => void)[] = [];

  /** The volume, with events that can be lost and operations that do not come back. */
  readonly fs: TokenFileSystem = {
    promises: {
      open: async (...args) => {
        await this.#answered('open');
        return (await this.memory.promises.open(...args)) as never;
      },
      readlink: async (path) => {
        await this.#answered('look');
        return this.memory.promises.readlink(path);
      },
      stat: async (path) => {
        await this.#answered('look');
        return (await this.memory.promises.stat(path)) as never;
      },
      readdir: async (path) => {
        await this.#answered('look');
        return this.memory.promises.readdir(path);
      },
    },
    watch: (directory, options, listener) =>
      this.memory.watch(directory, options, (event, filename) => {
        if (!this.isDeaf) listener(event as string, String(filename));
      }) as never,
  };

  constructor(private readonly issuer: TokenIssuer) {}

  async #answered(operation: 'open' | 'look'): Promise<void> {
    const { hanging } = this;
    if (hanging === 'none' || (operation === 'look' && hanging !== 'all looks')) return;
    if (hanging === 'this read') this.hanging = 'none';
    await new Promise<void>((resolve) => this.#stuck.push(resolve));
  }

  get isSilent(): boolean {
    return this.hanging !== 'none' || this.#stuck.length > 0;
  }

  /** The volume answers again; what hung comes back as well, or is lost. */
  answer(late: 'what hangs, too' | 'only what comes now'): void {
    this.hanging = 'none';
    const stuck = this.#stuck.splice(0);
    if (late === 'what hangs, too') for (const comeBack of stuck) comeBack();
  }

  async mint(lifeSeconds: number, audience = 'vault'): Promise<string> {
    const token = await this.issuer.mint({ expiresInSeconds: lifeSeconds, audience });
    this.everWritten.add(token);
    if (audience === 'vault') this.good.push(token);
    return token;
  }

  write(content: string): void {
    this.volume.remount();
    this.volume.write(content);
  }

  /** What the file holds now, if it may be used now. */
  get usable(): string | undefined {
    const text = this.volume.content?.trim();
    if (text === undefined || !this.good.includes(text)) return undefined;
    const { issuedAt, expiresAt } = BoundToken.parse(text);
    const nowMs = Date.now();
    const isValid = issuedAt!.getTime() <= nowMs + 60_000 && nowMs < expiresAt!.getTime() - MARGIN_MS;
    return isValid ? text : undefined;
  }
}

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
      const service = async (input: string | URL | Request, init?: RequestInit) => {
        const token = new Request(input, init).headers.get('authorization')!.slice('Bearer '.length);
        carried.push(token);
        if (what.isRefused === 'by a rotation each time') model.write(await model.mint(600));
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

  const long = { timeout: 180_000 };
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
        { numRuns: Number(process.env.PROPERTY_RUNS ?? 300) },
      );
    },
  );
});
