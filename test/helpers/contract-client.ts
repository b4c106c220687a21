import type { TokenSource } from 'projected-token';
import type { WithTokenOptions } from 'projected-token/fetch';

/** One request, in terms that every client has. */
export interface ContractRequest {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** What came of a request; a status of 400 or more is one, too. */
export interface ContractResponse {
  readonly status: number;
  readonly body: string;
  /** All that the program gets to see: the client's own response or error. */
  readonly shown: unknown;
}

/** A client under test. */
export interface ContractClient {
  readonly name: string;
  /** Makes what sends requests with the token; it rejects when no response came. */
  withToken(source: TokenSource, options: WithTokenOptions): (request: ContractRequest) => Promise<ContractResponse>;
  /** Bodies that can be sent again, and the bytes that they are (of a multipart body: undefined). */
  readonly replayableBodies: Record<string, () => { body: unknown; bytes?: Uint8Array | string }>;
  /** Bodies that cannot. */
  readonly oneShotBodies: Record<string, () => unknown>;
  /** Whether the client follows redirects by itself. */
  readonly followsRedirects: boolean;
  /** What a request rejects with that was aborted for this reason. */
  expectAborted(error: unknown, reason: Error): void;
  /** The error of the source in what a request rejects with, for a client that wraps it. */
  readonly sourceErrorOf?: (error: unknown) => unknown;
  /** The client makes each hop of a redirect a request of its own, with a stream as its body: nothing tells what came before. */
  readonly forgetsHops?: boolean;
  /** The statuses at which the client leaves `Content-Type` on when it turns a POST into a GET. */
  readonly keepsContentType?: readonly number[];
}
