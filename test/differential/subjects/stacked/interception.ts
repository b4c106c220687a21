import { plainAnswers } from '../../plain-answers.js';
import { LISTED } from '../../scenario.js';
import type { Scene } from '../../scene.js';
import type { PlainAnswer } from '../../server/write-answer.js';
import { TOKEN_MARK } from '../../token-of-run.js';

/** A request as a library that stands in for a server sees it. */
export interface InterceptedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Iterable<readonly [string, string]>;
  readonly body: unknown;
}

/** Answers as the scenario says in the place of a server, for a library that intercepts requests within the program. */
export class Interception {
  readonly #answers: readonly PlainAnswer[];
  #hop = 0;
  #hasRefused = false;

  constructor(private readonly scene: Scene) {
    this.#answers = plainAnswers(scene.scenario, scene.origins);
  }

  /** Tells of the request without its token, and gives the answer. */
  answer({ method, url, headers, body }: InterceptedRequest): PlainAnswer {
    const { scenario, isWrapped, origins } = this.scene;
    const carrier = scenario.carrier.toLowerCase();
    const entries = [...headers].map(([name, value]) => [name, String(value)] as const);
    const token = entries.find(([name, value]) => name.toLowerCase() === carrier && value.includes(TOKEN_MARK))?.[1];
    if (token?.endsWith(`${TOKEN_MARK}1`) && scenario.refusedAt === this.#hop && !this.#hasRefused) {
      this.#hasRefused = true;
      return { status: 401, headers: [], body: 'refused', framing: 'length' };
    }
    const { origin, pathname } = new URL(url);
    const own = entries.filter(([name]) => name.toLowerCase() === carrier);
    const isListed = LISTED.some((name) => origins[name] === origin);
    const isStart = pathname.endsWith('/h0');
    if (isWrapped && isListed && isStart && own.length === 0) this.scene.tell('the token is missing');
    if (!isListed && token !== undefined) this.scene.tell('the token is misplaced');
    this.scene.tell('intercepted', { method, url, headers: entries.filter(([, value]) => value !== token), body });
    const answer = this.#answers[Math.min(this.#hop++, this.#answers.length - 1)]!;
    const series = pathname.split('/')[1] ?? '';
    return { ...answer, headers: answer.headers.map(([name, value]) => [name, value.replace('{series}', series)]) };
  }
}

/** Statuses that have no body, which standing-in libraries refuse to give one. */
export function bodyOf({ status, body }: PlainAnswer): string | null {
  return [101, 204, 205, 304].includes(status) ? null : body;
}
