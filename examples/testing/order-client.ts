import type { TokenSource } from 'projected-token';
import { withToken } from 'projected-token/fetch';

/** Application code: a client of the order service. It takes a source of tokens, so that a test can give it one. */
export class OrderClient {
  readonly #fetch: typeof fetch;

  constructor(
    private readonly baseUrl: string,
    source: TokenSource,
  ) {
    this.#fetch = withToken(fetch, source, { origins: [baseUrl] });
  }

  async count(): Promise<number> {
    const response = await this.#fetch(new URL('/orders', this.baseUrl));
    if (!response.ok) throw new Error(`The order service answered ${response.status}.`);
    return ((await response.json()) as unknown[]).length;
  }
}
