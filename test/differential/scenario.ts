/**
 * The servers of a run: two that may get the token, and those that may not: another port, another host, and the first host by the
 * other one of `http:` and `https:`.
 */
export const ORIGIN_NAMES = ['listed', 'second', 'other-port', 'other-host', 'other-scheme'] as const;
export type OriginName = (typeof ORIGIN_NAMES)[number];
export type Origins = Readonly<Record<OriginName, string>>;

/** Those that are given to `withToken`. */
export const LISTED: readonly OriginName[] = ['listed', 'second'];

/** How the servers of a run are reached. */
export interface Transport {
  /** `mixed`: `second` by `http:`, and the others by `https:`. */
  readonly schemes: 'http' | 'https' | 'mixed';
  /** Whether the client is given the authority of the servers' certificate. */
  readonly isTrusted: boolean;
  /** Whether the client offers HTTP/2, if it can. */
  readonly offersHttp2: boolean;
}

/** What goes wrong with an answer, byte by byte. */
export type AnswerFault =
  | 'reset'
  | 'end'
  | 'half a head'
  | 'garbage'
  | 'half a body, then reset'
  | 'half a body, then end'
  | 'silence'
  | 'half a body, then silence';

/** One answer of a server. */
export interface Answer {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly framing: 'length' | 'chunked' | 'close';
  /** Where `Location` leads to; the path of a hop is made from its number. */
  readonly location?: Location;
  readonly fault?: AnswerFault;
  /** `103 Early Hints` before it. */
  readonly hints?: boolean;
  /** What follows on a body in chunks, and on every body of HTTP/2. */
  readonly trailers?: readonly (readonly [string, string])[];
  /** By HTTP/2: with the GOAWAY of a graceful shutdown. */
  readonly goesAway?: boolean;
  /** By HTTP/2: sent once the headers of the request are there, while its body may be on its way. */
  readonly isEarly?: boolean;
}

/** Another origin, or a text as it stands. */
export type Location = { readonly origin: OriginName; readonly suffix: string } | { readonly text: string };

export const BODY_KINDS = [
  'none',
  'null',
  'text',
  'empty text',
  'Buffer',
  'Uint8Array',
  'ArrayBuffer',
  'DataView',
  'Blob',
  'FormData',
  'FormData with a file',
  'URLSearchParams',
  'Readable',
  'failing Readable',
  'ReadableStream',
  'failing ReadableStream',
  'async iterable',
  'number',
  'object',
] as const;
export type BodyKind = (typeof BODY_KINDS)[number];

export const HEADER_FORMS = [
  'object',
  'Headers',
  'pairs',
  'list',
  'iterable',
  'Map',
  'odd list',
  'text',
  'numbers',
] as const;
export type HeaderForm = (typeof HEADER_FORMS)[number];

export interface HeaderChoice {
  readonly form: HeaderForm;
  readonly entries: readonly (readonly [string, unknown])[];
}

/** When a request is aborted before its answer is there, told by what has happened rather than by the clock. */
export const ABORTS_BEFORE_ANSWER = [
  'before the call',
  'in the same turn',
  'in a microtask',
  'in the next turn',
  'once the server has the request',
] as const;

/** … and after that. */
export const ABORT_MOMENTS = [...ABORTS_BEFORE_ANSWER, 'at the response', 'at the first bytes'] as const;
export type AbortMoment = (typeof ABORT_MOMENTS)[number];

export interface Abort {
  readonly moment: AbortMoment;
  readonly reason: 'default' | 'error' | 'text';
}

/** One request, or the same one several times, and all that comes of it. `Options` are those of one client. */
export interface Scenario<Options = unknown> {
  readonly transport: Transport;
  readonly method: string;
  readonly origin: OriginName;
  readonly query: string;
  readonly headers: HeaderChoice | undefined;
  readonly body: BodyKind;
  /** The answers to the first hop, to the second and so on; the last one to all later ones. */
  readonly answers: readonly Answer[];
  readonly abort: Abort | undefined;
  /** How many requests are made with one client, one after the other. */
  readonly requests: number;
  /** Whether all of them ask for the same URL, for what keeps answers. */
  readonly sameUrl: boolean;
  /** Whether the source has its token in the turn of the call. */
  readonly token: 'at hand' | 'awaited';
  readonly carrier: 'Authorization' | 'X-Vault-Token';
  /** The first token is refused at this hop, and the source has another one; undefined: never. */
  readonly refusedAt: number | undefined;
  readonly options: Options;
}
