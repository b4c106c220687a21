/** What a client has sent as one request. */
export interface RequestText {
  /** Start line and headers, with the line ends. */
  readonly head: string;
  /** The bytes after the headers: of HTTP/1.1 with their framing. */
  body: string;
}

/** A request as a server received it: of HTTP/1.1 to the byte, of HTTP/2 the header list and the bytes of the body. */
export interface ReceivedRequest extends RequestText {
  /** Where it arrived. */
  readonly at: string;
  /** Which connection of this run it came on, in the order of their first requests. */
  readonly connection: number;
  /** Whether the request came to its end. */
  isWhole: boolean;
  /** The token in it was refused, and the same answer is kept for the next request. */
  readonly wasRefused: boolean;
  /** The error code by which its stream of HTTP/2 was reset, by either side. */
  resetCode?: number;
}

const HEAD_END = '\r\n\r\n';

/** Cuts the bytes of a connection into requests. */
export class RequestBytes {
  #bytes = '';

  push(chunk: string): void {
    this.#bytes += chunk;
  }

  /** The headers of the request that has begun, once they are there. */
  get head(): string | undefined {
    const end = this.#bytes.indexOf(HEAD_END);
    return end < 0 ? undefined : this.#bytes.slice(0, end + HEAD_END.length);
  }

  get isEmpty(): boolean {
    return this.#bytes === '';
  }

  /** Takes the first request away, if it is whole. */
  take(): RequestText | undefined {
    const { head } = this;
    if (head === undefined) return undefined;
    const length = bodyLength(head, this.#bytes.slice(head.length));
    if (length === undefined) return undefined;
    const body = this.#bytes.slice(head.length, head.length + length);
    this.#bytes = this.#bytes.slice(head.length + length);
    return { head, body };
  }

  /** Takes what is left of a request that will not come to its end. */
  rest(): RequestText {
    const { head = this.#bytes } = this;
    return { head, body: this.#bytes.slice(head.length) };
  }
}

/** How many of the bytes after the headers are the body's; undefined when it is not all there. */
function bodyLength(head: string, rest: string): number | undefined {
  if (/^transfer-encoding:.*chunked/im.test(head)) return chunkedLength(rest);
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  return rest.length < length ? undefined : length;
}

function chunkedLength(rest: string): number | undefined {
  let at = 0;
  for (;;) {
    const lineEnd = rest.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(rest.slice(at, lineEnd), 16);
    // What is no chunk ends the request, so that its bytes are compared.
    if (Number.isNaN(size)) return rest.length;
    at = lineEnd + 2 + size + 2;
    if (rest.length < at) return undefined;
    if (size === 0) return at;
  }
}
