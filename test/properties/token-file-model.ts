import fc from 'fast-check';
import { createFsFromVolume, Volume } from 'memfs';
import { BoundToken, type TokenFileSystem } from 'projected-token';
import { type TokenIssuer, TokenVolume } from 'projected-token/testing';

/**
 * Any sequence of what can happen to a token file, to the clock and to its readers, against a small model: the set of tokens
 * that were ever in the file, and what is in it now.
 */
export type Step =
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

export const step: fc.Arbitrary<Step> = fc.oneof(
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

export const START = new Date('2026-03-01T12:00:00Z');
export const MARGIN_MS = 10_000;

export class Model {
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
