import type { TokenSource } from 'projected-token';

/** A source of service account tokens that gives one, another one, none, or no answer. */
export class ScriptedSource implements TokenSource {
  mood: 'gives' | 'throws' | 'hangs' = 'gives';
  #rotations = 0;

  rotate(): void {
    this.#rotations++;
  }

  getToken(): Promise<string> {
    return this.#do(() => `jwt-${this.#rotations}`);
  }

  replaceToken(refused: string): Promise<string | undefined> {
    return this.#do(() => (refused === `jwt-${this.#rotations}` ? undefined : `jwt-${this.#rotations}`));
  }

  async #do<T>(give: () => T): Promise<T> {
    if (this.mood === 'hangs') return new Promise(() => {});
    if (this.mood === 'throws') throw new Error('no volume');
    return give();
  }
}
