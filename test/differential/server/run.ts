import type { ReceivedRequest, RequestText } from './received-request.js';
import type { PlainAnswer } from './write-answer.js';

/** What the servers do in one run. */
export interface Script {
  readonly answers: readonly PlainAnswer[];
  /** Refuses, at this hop and at most once, a request with this text in it. */
  readonly refusal: { readonly hop: number; readonly text: string } | undefined;
}

/** The requests of one run, and what is answered to each. */
export class Run {
  readonly requests: ReceivedRequest[] = [];
  readonly #connections: object[] = [];
  readonly #hops = new Map<string, number>();
  #hasRefused = false;

  constructor(
    private readonly script: Script,
    private readonly onReceived: (count: number) => void = () => {},
  ) {}

  /** Whether it may answer before the body of a request has come. */
  get answersEarly(): boolean {
    return this.script.answers.some(({ isEarly }) => isEarly);
  }

  /**
   * Writes a request down, and returns the answer to it.
   *
   * @param connection - the socket on which it came
   */
  receive(
    connection: object,
    at: string,
    { head, body }: RequestText,
    isWhole = true,
  ): { readonly answer: PlainAnswer | undefined; readonly request: ReceivedRequest } {
    if (!this.#connections.includes(connection)) this.#connections.push(connection);
    // Each request of the program has the first part of its path for itself.
    const series = /^\S+ (?:https?:\/\/[^/]+)?\/([^/ ]*)/.exec(head)?.[1] ?? '';
    const hop = this.#hops.get(series) ?? 0;
    const { refusal, answers } = this.script;
    const wasRefused = isWhole && !this.#hasRefused && refusal?.hop === hop && head.includes(refusal.text);
    const request = { at, connection: this.#connections.indexOf(connection), head, body, isWhole, wasRefused };
    this.requests.push(request);
    this.onReceived(this.requests.length);
    if (wasRefused) {
      this.#hasRefused = true;
      return { request, answer: { status: 401, headers: [], body: 'refused', framing: 'length' } };
    }
    this.#hops.set(series, hop + 1);
    return { request, answer: forSeries(answers[Math.min(hop, answers.length - 1)], series) };
  }
}

/** A redirect stays within the series of its request. */
function forSeries(answer: PlainAnswer | undefined, series: string): PlainAnswer | undefined {
  return (
    answer && { ...answer, headers: answer.headers.map(([name, value]) => [name, value.replace('{series}', series)]) }
  );
}
