/**
 * Maximum size of a `Request`'s body that is kept for a retry, as in follow-redirects (`maxBodyLength`).
 */
const MAX_BYTES = 10 * 1024 * 1024;

/**
 * The bytes of a body that can be read only once, captured from a copy of its stream while the body is sent. There are none if the body
 * is too long or has not ended.
 */
export class CapturedBody {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #bytes: Uint8Array | undefined;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
    // A stream that fails makes the request fail; here it only means that there is nothing to send again.
    this.#capture().catch(() => {});
  }

  /** All bytes, once the body has ended. */
  get bytes(): Uint8Array | undefined {
    return this.#bytes;
  }

  /** Stops reading and frees the bytes. */
  release(): void {
    this.#bytes = undefined;
    this.#reader.cancel().catch(() => {});
  }

  async #capture(): Promise<void> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      const { done, value } = await this.#reader.read();
      if (done) break;
      length += value.byteLength;
      if (length > MAX_BYTES) return this.release();
      chunks.push(value);
    }
    this.#bytes = Buffer.concat(chunks);
  }
}
