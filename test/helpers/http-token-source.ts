import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import type { GetTokenOptions, TokenCarrier, TokenSource } from 'projected-token';
import { expect } from 'vitest';

/** A source with fixed tokens, all with one mark by which a leak of any of them is found. */
export class FixedTokenSource implements TokenSource {
  /** Part of every token of this source. */
  readonly canary = `canary${randomUUID().replaceAll('-', '')}`;
  readonly carrier: TokenCarrier | undefined;
  /** Tokens that were reported as refused. */
  readonly refused: string[] = [];
  /** How often a token was asked for. */
  reads = 0;
  #generation = 1;

  constructor(carrier?: TokenCarrier) {
    this.carrier = carrier;
  }

  /** The n-th token, from 1. */
  token(generation: number): string {
    return `${this.canary}.${generation}`;
  }

  /** The header's value for the n-th token. */
  value(generation: number): string {
    const { scheme } = this.carrier ?? { scheme: 'Bearer' };
    return scheme === undefined ? this.token(generation) : `${scheme} ${this.token(generation)}`;
  }

  async getToken(_options?: GetTokenOptions): Promise<string> {
    this.reads++;
    return this.token(this.#generation);
  }

  /** The same source with its token at hand, until a test replaces `getToken`. */
  get atHand(): TokenSource {
    const peekToken = () => {
      if (Object.hasOwn(this, 'getToken')) return undefined;
      this.reads++;
      return this.token(this.#generation);
    };
    return {
      carrier: this.carrier,
      getToken: (options) => this.getToken(options),
      replaceToken: (refused, options) => this.replaceToken(refused, options),
      peekToken,
    } as TokenSource;
  }

  /** Has another token each time. Tests replace this to have none. */
  async replaceToken(refused: string, _options?: GetTokenOptions): Promise<string | undefined> {
    this.refused.push(refused);
    this.#generation++;
    return this.token(this.#generation);
  }
}

/** Fails when a token of the source can be seen in a value in any of the ways in which programs log one. */
export function expectNoToken(value: unknown, { canary }: Pick<FixedTokenSource, 'canary'>): void {
  expect(inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden: true })).not.toContain(canary);
  expect(inspect(value, { depth: 20, customInspect: false })).not.toContain(canary);
  expect(jsonOf(value)).not.toContain(canary);
  if (value instanceof Error) {
    expect(String(value.stack)).not.toContain(canary);
    expect(jsonOf({ ...value })).not.toContain(canary);
  }
}

/** JSON of a value that may hold itself. */
function jsonOf(value: unknown): string {
  const seen = new WeakSet<object>();
  return (
    JSON.stringify(value, (_, member: unknown) => {
      if (typeof member === 'bigint') return String(member);
      if (typeof member !== 'object' || member === null) return member;
      if (seen.has(member)) return '[seen]';
      seen.add(member);
      return member;
    }) ?? ''
  );
}
