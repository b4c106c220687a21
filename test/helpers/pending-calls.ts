/** How a call ended: with a value, or with an error that has a code. */
export type Outcome<T> =
  | { readonly value: T; readonly error?: undefined }
  | { readonly value?: undefined; readonly error: Error & { readonly code?: string } };

/** Calls under way, each with the time by which it has to have ended, on the monotonic clock. */
export class PendingCalls {
  readonly #pending = new Map<string, number>();
  readonly #faults: unknown[] = [];
  #made = 0;

  /** How many calls have not ended. */
  get count(): number {
    return this.#pending.size;
  }

  /**
   * Follows a call to its end.
   *
   * @param timeLimitMs - how long it may take
   * @param check - looks at how it ended, at that moment; what it throws is thrown by {@link assertGood}
   */
  follow<T>(name: string, timeLimitMs: number, call: Promise<T>, check: (outcome: Outcome<T>) => void): void {
    const id = `${name} (call ${++this.#made})`;
    this.#pending.set(id, performance.now() + timeLimitMs);
    const end = (outcome: Outcome<T>) => {
      this.#pending.delete(id);
      this.note(() => check(outcome));
    };
    call.then(
      (value) => end({ value }),
      (error: Error) => end({ error }),
    );
  }

  /** Runs a check where nobody could catch what it throws; {@link assertGood} throws it. */
  note(check: () => void): void {
    try {
      check();
    } catch (fault) {
      this.#faults.push(fault);
    }
  }

  /** Throws the first fault there was, or for a call that took too long. */
  assertGood(): void {
    if (this.#faults.length > 0) throw this.#faults[0];
    for (const [id, latestMs] of this.#pending) {
      if (performance.now() > latestMs) throw new Error(`${id} has not ended within its time limit.`);
    }
  }
}
