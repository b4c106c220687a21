import { Agent, request } from 'undici';

/** An answer of a server that speaks JSON. */
export interface JsonAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  // biome-ignore lint/suspicious/noExplicitAny: bodies of many shapes
  readonly body: any;
}

/** Requests with JSON to one server, without any of the library's own code. Follows no redirect. */
export class JsonClient {
  readonly #agent: Agent;

  /** @param ca - in PEM, for an origin of `https:` */
  constructor(
    readonly origin: string,
    ca?: string,
    private readonly headers: Readonly<Record<string, string>> = {},
  ) {
    this.#agent = new Agent({ connect: { ca }, pipelining: 0 });
  }

  /** @param body - a string is sent as it is, anything else as JSON */
  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<JsonAnswer> {
    const answer = await request(this.origin + path, {
      method: method as 'GET',
      dispatcher: this.#agent,
      headers: { 'content-type': 'application/json', ...this.headers, ...headers },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await answer.body.text();
    return { status: answer.statusCode, headers: answer.headers, body: parse(text) };
  }

  /** As `send`; throws when the answer is an error. */
  async ask(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<JsonAnswer['body']> {
    const answer = await this.send(method, path, body, headers);
    if (answer.status >= 300) {
      throw new Error(`${method} ${path} is answered with ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    return answer.body;
  }
}

function parse(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return text;
  }
}
