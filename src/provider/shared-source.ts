import { resolve } from 'node:path';
import type { GetTokenOptions, TokenSource } from '../token-source.js';
import { ProjectedTokenProvider } from './projected-token-provider.js';

/** Sources by the path of their file. */
const sources = new Map<string, TokenSource>();

/**
 * Returns the source of a token file that all callers of this process share. Its provider is opened at the first use and stays open:
 * what it is for has no end of its own, and a provider keeps no process alive. A file that is missing at first is read once it is there.
 */
export function sharedSource(path: string): TokenSource {
  const file = resolve(path);
  const source = sources.get(file) ?? new SharedSource(file);
  sources.set(file, source);
  return source;
}

class SharedSource implements TokenSource {
  #provider: Promise<ProjectedTokenProvider> | undefined;

  constructor(private readonly path: string) {}

  async getToken(options?: GetTokenOptions): Promise<string> {
    return (await this.#open()).getToken(options);
  }

  async replaceToken(refused: string, options?: GetTokenOptions): Promise<string | undefined> {
    return (await this.#open()).replaceToken(refused, options);
  }

  #open(): Promise<ProjectedTokenProvider> {
    this.#provider ??= ProjectedTokenProvider.open({ path: this.path, waitForToken: false }).catch((error: unknown) => {
      this.#provider = undefined;
      throw error;
    });
    return this.#provider;
  }
}
