import { readFile } from 'node:fs/promises';

const REREAD_MS = 60_000;

/** The way most programs read a token: the file at the first request, and again when the last read is 60 s ago. */
export class NaiveToken {
  #value = '';
  #readAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly path: string) {}

  async get(): Promise<string> {
    if (Date.now() - this.#readAtMs > REREAD_MS) {
      this.#value = (await readFile(this.path, 'utf8')).trim();
      this.#readAtMs = Date.now();
    }
    return this.#value;
  }
}
