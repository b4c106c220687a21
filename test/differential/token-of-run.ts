import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TokenSource } from 'projected-token';
import type { Scenario } from './scenario.js';

/** Part of every token of a run; no bare client sends or shows it. */
export const TOKEN_MARK = 'differential-token.';

/** A line of a request's headers that holds a token, as each client writes it. */
const TOKEN_LINE = new RegExp(
  `^(?:authorization: Bearer|x-vault-token:) ${TOKEN_MARK.replace('.', '\\.')}\\d\\r\\n`,
  'gim',
);

/** The headers of a request without the one that carries the token. */
export function withoutToken(head: string): string {
  return head.replace(TOKEN_LINE, '');
}

/** The line of a request's headers that holds a token. */
export function tokenLineOf(head: string): string | undefined {
  return head.match(TOKEN_LINE)?.[0];
}

/** Whether the headers of a request carry a token. */
export function carriesToken(head: string): boolean {
  return withoutToken(head) !== head;
}

/** Where the tokens of one run come from: the first one, and another one once the first was refused. */
export class TokenOfRun implements TokenSource {
  readonly carrier;
  #generation = 1;

  constructor(private readonly scenario: Pick<Scenario, 'token' | 'carrier' | 'refusedAt'>) {
    this.carrier =
      scenario.carrier === 'Authorization'
        ? { header: 'Authorization', scheme: 'Bearer' }
        : { header: 'X-Vault-Token' };
  }

  peekToken(): string | undefined {
    return this.scenario.token === 'at hand' ? this.#token : undefined;
  }

  async getToken(): Promise<string> {
    if (this.scenario.token === 'awaited') await nextTurn();
    return this.#token;
  }

  async replaceToken(): Promise<string | undefined> {
    await nextTurn();
    if (this.scenario.refusedAt === undefined || this.#generation > 1) return undefined;
    this.#generation++;
    return this.#token;
  }

  get #token(): string {
    return TOKEN_MARK + this.#generation;
  }
}
