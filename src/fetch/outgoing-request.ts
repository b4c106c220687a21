import { parseUrl } from '../carry/allowed-origins.js';
import { isIterator, isReplayableBody } from '../carry/is-replayable-body.js';
import { hasTag } from '../internal/has-tag.js';
import { cancelBody } from './cancel-body.js';
import { CapturedBody } from './captured-body.js';
import { type Hop, MAX_REDIRECTS } from './follow-redirect.js';
import { INIT_MEMBERS } from './init-members.js';
import { isAbortSignal } from './is-abort-signal.js';
import { keptReferrer } from './kept-referrer.js';

/** A function like the global `fetch`, seen from inside. */
export type Fetch = typeof globalThis.fetch;
export type Input = Parameters<Fetch>[0];
export type Init = NonNullable<Parameters<Fetch>[1]>;
type Redirect = NonNullable<Init['redirect']>;

/** Returns the URL of a request; undefined if it is not absolute. */
export function urlOf(input: Input): URL | undefined {
  return parseUrl(isRequest(input) ? input.url : String(input));
}

/**
 * The arguments of a fetch call, copied at the time of the call, as fetch does, so that they can be sent to one hop after another.
 */
export class OutgoingRequest {
  readonly #request: Request | undefined;
  readonly #init: Record<string, unknown>;
  readonly #body: unknown;
  readonly #captured: CapturedBody | undefined;
  #bodySent = false;
  /** Where it begins. */
  readonly start: Hop;
  readonly redirect: Redirect;
  readonly maxRedirects: number;
  readonly mode: Init['mode'];
  /** Undefined also for a value that is not a signal, which fetch rejects itself. */
  readonly signal: AbortSignal | undefined;
  /** The headers as written by the caller, in case and order. */
  readonly #written: readonly [name: string, value: string][];

  constructor(input: Input, init: Init | undefined, keepBody: boolean) {
    const url = urlOf(input);
    if (url === undefined) throw new TypeError('Invalid URL');
    this.#request = isRequest(input) ? input : undefined;
    const given = { ...membersOf(init), ...defined(Object.entries(init ?? {})) };
    this.#init = { ...keptReferrer(input, given), ...given };
    const merged: Init = { ...membersOf(this.#request), ...this.#init };
    this.#body = snapshot(this.#init.body);
    const ownBody = this.#body == null ? this.#request?.body : undefined;
    if (ownBody && keepBody) this.#captured = captured(this.#request as Request);
    this.redirect = merged.redirect ?? 'follow';
    // That of node-fetch.
    const follow: unknown = this.#init.follow ?? Object(this.#request).follow;
    this.maxRedirects = typeof follow === 'number' ? follow : MAX_REDIRECTS;
    this.mode = merged.mode;
    this.signal = isAbortSignal(merged.signal) ? merged.signal : undefined;
    this.#written = writtenHeaders(merged.headers);
    this.start = {
      url,
      method: merged.method ?? 'GET',
      headers: copyHeaders(merged.headers),
      hasBody: this.#body != null || ownBody != null,
      // Those of a `Request` are among them if fetch keeps them.
      referrer: this.#init.referrer === undefined ? undefined : String(this.#init.referrer),
      referrerPolicy: this.#init.referrerPolicy as Hop['referrerPolicy'],
    };
  }

  /** That of the init, of any kind. */
  get body(): unknown {
    return this.#body;
  }

  /** Returns whether the body of this hop, if any, can be sent again. */
  canSendAgain(hop: Hop): boolean {
    if (!hop.hasBody) return true;
    return this.#body == null ? this.#captured?.bytes !== undefined : isReplayableBody(this.#body);
  }

  /** Sends it to one hop, with these headers, and does not follow redirects unless that was to be an error. */
  send(fetch: Fetch, hop: Hop, headers: Headers): Promise<Response> {
    const { referrer, referrerPolicy } = hop;
    const init: Record<string, unknown> = {
      ...this.#init,
      headers: this.#asWritten(headers),
      redirect: this.redirect === 'follow' ? 'manual' : this.redirect,
    };
    if (hop !== this.start) Object.assign(init, defined(Object.entries({ referrer, referrerPolicy })));
    const resent = this.#bodySent;
    this.#bodySent = true;
    const body = this.#body ?? (resent ? this.#captured?.bytes : undefined);
    if (hop.hasBody && body != null) init.body = body;
    else delete init.body;
    // A Request holds more than it shows (undici: its dispatcher), so it is used itself for as long as its URL is right.
    if (this.#request !== undefined && hop.url.href === this.start.url.href && hop.method === this.start.method) {
      return fetch(this.#request, init);
    }
    const { body: _, duplex: __, referrer: ___, referrerPolicy: ____, ...inherited } = membersOf(this.#request);
    const { duplex, ...own } = init;
    // It goes with a body that a redirect takes away. Otherwise fetch looks at it even where there is no body.
    if (duplex !== undefined && hop.hasBody === this.start.hasBody) own.duplex = duplex;
    return fetch(hop.url.href, { ...inherited, ...own, method: hop.method });
  }

  /** Ends a body that was never sent, as fetch does when it is aborted. */
  cancel(reason: unknown): void {
    if (this.#bodySent) return;
    cancelBody(this.#body ?? this.#request?.body, reason);
  }

  #asWritten(headers: Headers): [string, string][] {
    const kept = this.#written.filter(([name]) => headers.has(name));
    const names = new Set(kept.map(([name]) => name.toLowerCase()));
    return [...kept, ...[...headers].filter(([name]) => !names.has(name))];
  }

  /** Frees the body that was kept for a retry. */
  release(): void {
    this.#captured?.release();
  }
}

/** Returns the headers as written; empty if that is unknown. */
function writtenHeaders(headers: Init['headers']): readonly [string, string][] {
  if (Symbol.iterator in Object(headers)) return [...(headers as Iterable<[string, string]>)];
  const isPlain = headers != null && Object.getPrototypeOf(headers) === Object.prototype;
  return isPlain ? Object.entries(headers as Record<string, string>) : [];
}

/** Returns whether it is a `Request` of any fetch; undici's is another class than the global one. */
function isRequest(input: Input): input is Request {
  return typeof input === 'object' && 'url' in input && 'headers' in input && 'clone' in input;
}

/** Returns the headers that fetch would send. */
export function headersOf(input: Input, init: Init | undefined): Headers {
  return copyHeaders(init?.headers ?? (isRequest(input) ? input.headers : undefined));
}

/** Copies headers one by one: under msw, `new Headers(request.headers)` loses most of those of a `Request` with a body. */
function copyHeaders(headers: Init['headers']): Headers {
  const isIterable = typeof headers === 'object' && Symbol.iterator in Object(headers);
  return new Headers(isIterable ? [...(headers as Iterable<[string, string]>)] : headers);
}

/** Returns an init whose headers can be looked at before they are sent: an iterator, such as a generator, gives them only once. */
export function withRepeatableHeaders(init: Init | undefined): Init | undefined {
  const headers: unknown = init?.headers;
  if (!isIterator(Object(headers))) return init;
  return { ...membersOf(init), ...init, headers: [...(headers as Iterable<[string, string]>)] };
}

/** Returns the members of an init that have a value, by their names. */
export function membersOf(init: Init | Request | undefined): Record<string, unknown> {
  return defined(INIT_MEMBERS.map((name) => [name, Object(init)[name]]));
}

/** A member without a value says nothing, also where a `Request` has one. */
function defined(members: [name: string, value: unknown][]): Record<string, unknown> {
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}

/** Bytes of the body of a Request, from a clone whose other half stays with the Request. */
function captured(request: Request): CapturedBody | undefined {
  if (request.bodyUsed) return undefined;
  return new CapturedBody(request.clone().body!);
}

/** A copy of a body that its owner could change before it is sent, or sent again. */
function snapshot(body: unknown): unknown {
  if (hasTag(body, 'ArrayBuffer')) return (body as ArrayBuffer).slice(0);
  if (ArrayBuffer.isView(body)) {
    return new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice();
  }
  if (hasTag(body, 'URLSearchParams')) return copyParams(body as URLSearchParams);
  // Of any fetch.
  if (hasTag(body, 'FormData') && 'getAll' in body) return copyFormData(body as FormData);
  return body;
}

/** A fetch may know one class only, so the copy of a foreign one stays foreign. */
function copyParams(params: URLSearchParams): URLSearchParams {
  const Own = params.constructor as typeof URLSearchParams;
  return params instanceof URLSearchParams ? new URLSearchParams(params) : new Own(params);
}

function copyFormData(form: FormData): FormData {
  const copy = new (form.constructor as typeof FormData)();
  // A file keeps its name.
  for (const [name, value] of form) copy.append(name, value as string);
  return copy;
}
