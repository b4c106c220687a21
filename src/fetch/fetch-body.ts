import { isReplayableBody } from '../carry/is-replayable-body.js';

type BodyContent = NonNullable<RequestInit['body']>;

/** What the library decides about an attempt: its headers, and that it follows redirects itself. */
export type OwnInit = Pick<RequestInit, 'headers' | 'redirect'>;

/** The body of one `fetch` call, which may have to be sent more than once. */
export class FetchBody {
  readonly exists: boolean;
  /** Whether the body, if there is one, can be sent again. */
  readonly isReplayable: boolean;
  readonly #request: Request | undefined;
  readonly #init: RequestInit | undefined;
  /** A copy of that request, for the case that its body is needed again. */
  #spare: Request | undefined;
  #content: BodyContent | undefined;
  #isFirst = true;

  constructor(request: Request | undefined, init: RequestInit | undefined) {
    const given = init?.body ?? undefined;
    const isOfRequest = given === undefined && request?.body != null;
    this.exists = given !== undefined || isOfRequest;
    this.isReplayable = isReplayableBody(given);
    this.#content = given;
    this.#init = init;
    this.#request = request;
    // Sending a Request uses its body up, as fetch does; a copy of it is what can be sent again.
    if (isOfRequest) this.#spare = request.clone();
  }

  /** The first attempt of a caller who gave a `Request`: sent as such, so that all that it says holds and its length stays known. */
  takeFirst(ownInit: OwnInit): [Request] | undefined {
    if (this.#request === undefined || !this.#isFirst) return undefined;
    this.#isFirst = false;
    const RequestClass = this.#request.constructor as typeof Request;
    return [new RequestClass(this.#request, { ...this.#init, ...ownInit })];
  }

  /** The body for every other attempt. */
  async again(): Promise<BodyContent | undefined> {
    if (this.#spare !== undefined) {
      this.#content = await this.#spare.arrayBuffer();
      this.#spare = undefined;
    }
    return this.#content;
  }

  /** Lets go of a copy that was not needed. */
  release(): void {
    this.#spare?.body?.cancel().catch(() => undefined);
    this.#spare = undefined;
  }
}
