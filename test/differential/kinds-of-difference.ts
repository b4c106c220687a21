import type { Difference } from './differences.js';
import type { Scenario } from './scenario.js';

// Kinds that several intended differences are of.

const HIDES_DISPATCHERS = Number(process.versions.node.split('.')[0]) >= 24;

const BY_UNDICI = /^(undici|fetch|ky|ofetch|openapi-fetch|octokit|client of openai|graphql-request|msw|\w+Agent)/;

export function sendsByUndici(client: string, { options }: Scenario): boolean {
  return BY_UNDICI.test(client) || (options as { adapter?: string }).adapter === 'fetch';
}

/** Whether a request is a `Request` whose dispatcher nothing tells, so that it is sent by hand. */
export function isSentByHand(client: string, { options }: Scenario): boolean {
  const { input = '' } = options as { input?: string };
  return (
    HIDES_DISPATCHERS && (/^(ky|openapi-fetch)/.test(client) || (client === 'fetch' && input.startsWith('Request')))
  );
}

export function sortedLines(head: unknown): string {
  return String(head).toLowerCase().split('\r\n').sort().join('\n');
}

/** What shows that a request was not sent, besides the order of what was seen: the server has not got it, no client has added to it. */
export const NOT_SENT =
  /^received order: [\w.-]+ \/ the end$|^seen (error details timings|(config|options|request interceptor) details headers keys|parts of error details phases keys)/;

/** What a program sees only of a request that is sent. */
export const SENDING =
  /^(undici:.*|event (connect|connectionError|disconnect|drain|request|uploadProgress)|beforeError|config|(no )?request|transformRequest|upload progress|intercepted|tunnel)$/;

/** What undici tells of its connections. */
export const CONNECTION = /^event (connect|disconnect|drain)$/;

/** What was seen besides what is of a kind, in this order. */
export function seenBesides(kind: RegExp, list: unknown): string[] {
  const kinds = String((list as { order?: unknown }).order).split(', ');
  return kinds.filter((seen) => !kind.test(seen.replace(/ \d+$/, '')));
}

/** Whether the same was seen, in the same order, but for what is of a kind and may have come at another moment. */
export function differInMomentOf(kind: RegExp, { isOrderOnly = false, bare, wrapped }: Difference): boolean {
  return isOrderOnly && seenBesides(kind, bare).join() === seenBesides(kind, wrapped).join();
}

/** got begins with no request whose signal has aborted, as that of the one before may have. */
export const SENDING_ONE_AFTER_THE_OTHER = new RegExp(`${SENDING.source}|^beforeRequest$`);

/** Whether the same was seen but for what tells that a request is sent. */
export function differInSending({ where, bare, wrapped }: Difference, sending = SENDING): boolean {
  const others = (list: unknown) => seenBesides(sending, list).sort().join();
  return where.startsWith('seen order: ') && others(bare) === others(wrapped);
}

/**
 * Whether the program may end a request while its token is waited for. Before the wait neither client sends, after it both do; only
 * undici makes a request whose signal is aborted already, and ends it when it is about to be sent.
 */
export function mayEndWait({ token, abort, options }: Scenario, client: string): boolean {
  const moments: unknown[] = ['in the same turn', 'in a microtask', 'in the next turn'];
  if (client === 'undici' || client.includes('Agent')) moments.push('before the call');
  const { call, members } = options as { call?: string; members?: object };
  // The stream of a pipeline fails by itself where the options are wrong.
  const isBadPipeline = call === 'pipeline' && 'highWaterMark' in (members ?? {});
  return token === 'awaited' && (moments.includes(abort?.moment) || call === 'cancel' || isBadPipeline);
}

/** Whether the bare client rejects with an error of the check of what it sends. */
export function isOfCheck(bare: unknown): boolean {
  const { name, code, message, cause } = Object(bare) as Record<string, unknown>;
  if (
    // Of fetch, which checks a request when it sends it.
    (cause !== undefined && isOfCheck(cause)) ||
    name === 'InvalidArgumentError' ||
    // axios of a body that is none.
    code === 'ERR_BAD_REQUEST' ||
    // got of a stream that fails.
    code === 'ERR_UPLOAD' ||
    name === 'NotSupportedError' ||
    name === 'MockNotMatchedError' ||
    code === 'ERR_INVALID_CHAR' ||
    // The server is not trusted.
    code === 'DEPTH_ZERO_SELF_SIGNED_CERT' ||
    code === 'ERR_INVALID_HTTP_TOKEN'
  )
    return true;
  // undici's checks of the option `query`, and of headers; Node's of what got makes of a `URLSearchParams`.
  return /^Query params cannot be passed when url |^key\.toLowerCase is not a function$|^Cannot use 'in' operator to search for 'host' in |^The "chunk" argument must be /.test(
    String(message),
  );
}

/** Whether only the end is another, by the interceptor `dump`: what it makes of an abort depends on whether `onRequestStart` came. */
export function endsOtherwiseByDump({ where, bare, wrapped }: Difference, { options }: Scenario): boolean {
  const others = (list: unknown) => seenBesides(SENDING, list).filter((kind) => !/^(rejected|streamed)\b/.test(kind));
  const isDumped = (options as { interceptor?: string }).interceptor === 'dump';
  return isDumped && where.startsWith('seen order: ') && others(bare).join() === others(wrapped).join();
}

export function closingOf({ options }: Scenario): string | undefined {
  return (options as { closing?: string }).closing;
}

/** axios throws a CanceledError in the place of another one, or what a CancelToken was canceled with, which has no configuration. */
export function isOfCancellation(where: string): boolean {
  return / \/ CanceledError |^seen error interceptor details message$|^seen order: config \/ no request$/.test(where);
}
