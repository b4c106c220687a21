/**
 * A body that can be read only once, kept while it is sent. A second reading begins with what was read before, and goes on with what
 * was not: a server may answer before it has got all of a body.
 */
export class KeptBody {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #maxBytes: number;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #isWhole = false;
  /** Number of the reading that goes on; those before it have nobody any more who wants to know. */
  #reading = 0;
  #position = 0;
  #isBeingRead = false;

  /** @param maxBytes - a body that is longer is let go of, and {@link isKept} becomes `false` */
  constructor(source: AsyncIterable<Uint8Array>, maxBytes: number) {
    this.#source = source[Symbol.asyncIterator]();
    this.#maxBytes = maxBytes;
  }

  /** Whether it can be read once more. */
  get isKept(): boolean {
    return this.#bytes <= this.#maxBytes;
  }

  /** Reads it from the start. */
  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    const reading = ++this.#reading;
    this.#position = 0;
    this.#isBeingRead = true;
    try {
      while (reading === this.#reading) {
        const kept = this.#chunks[this.#position];
        if (kept !== undefined) {
          this.#position++;
          yield kept;
        } else if (this.#isWhole) {
          return;
        } else {
          const { done, value } = await this.#source.next();
          if (done) this.#isWhole = true;
          else if (!this.#keep(value)) yield value;
        }
      }
    } finally {
      if (reading === this.#reading) this.#isBeingRead = false;
      this.#closeIfUnused();
    }
  }

  /** There will be no further reading: lets go of what was kept, and when it is not read any more, of what was not read. */
  release(): void {
    this.#bytes = Number.POSITIVE_INFINITY;
    if (this.#position >= this.#chunks.length) this.#chunks = [];
    this.#closeIfUnused();
  }

  #keep(chunk: Uint8Array): boolean {
    this.#bytes += chunk.byteLength;
    if (this.isKept) this.#chunks.push(chunk);
    else this.#chunks = [];
    return this.isKept;
  }

  #closeIfUnused(): void {
    if (!this.#isBeingRead && !this.isKept && !this.#isWhole) void this.#source.return?.();
  }
}
