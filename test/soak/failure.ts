/** A request that did not end with 200. */
export interface Failure {
  /** Its header `X-Request-Id`, by which the service knows it again. */
  readonly id: string;
  readonly what: string;
  readonly atMs: number;
}

/**
 * Why a request failed. `overtaken`: its second token was replaced while it was on its way; `no file`: the volume held no token that
 * the service took; `network`: the service broke the connection on purpose; `fault`: it had a valid token to use, and failed.
 */
export type Verdict = 'overtaken' | 'no file' | 'network' | 'fault';

/** A clock that all processes of a machine share and nobody sets, in milliseconds. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
