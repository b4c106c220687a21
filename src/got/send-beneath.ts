import type { ClientRequest } from 'node:http';
import type { Options } from 'got';
import { concealHeader } from '../carry/conceal-header.js';
import type { SecretHeader } from '../carry/secret-header.js';
import { isThenable } from '../internal/is-thenable.js';
import { concealInHttp2 } from './conceal-in-http2.js';
import { hasHeader } from './has-header.js';
import { hideOnceSent } from './hide-once-sent.js';

/** The function by which got sends: Node's own, or one of the program's. */
export type RequestFunction = NonNullable<Options['request']>;
type NativeOptions = Parameters<RequestFunction>[1];

/** Where got keeps that function, and what it would use in its place. */
export type Sender = Pick<
  Options,
  'request' | 'http2' | 'h2session' | 'getRequestFunction' | 'createNativeRequestOptions'
>;

/** How the next attempt is sent. */
export interface Sending {
  readonly header: SecretHeader;
  /** Tells whether the attempt is to carry the header, by where it goes and the headers that it has. */
  readonly mayCarry: (url: URL, headers: NativeOptions['headers']) => boolean;
  /** Gets the request as soon as there is one; what it throws is thrown to got. */
  readonly watch: (request: ClientRequest) => void;
}

/**
 * Puts a header on the next attempt beneath got, as got shows its options with every response and error. On a request of Node's own it
 * is not to be seen either, see {@link concealHeader}.
 */
export function sendBeneath(sender: Sender, { header, mayCarry, watch }: Sending): void {
  const given = sender.request;
  const send = ((url, options, callback) => {
    if (sender.request === send) sender.request = given;
    const isCarrying = mayCarry(url, options.headers);
    const { sent, isConcealed } = isCarrying ? prepare(sender, options, header) : { sent: options, isConcealed: false };
    const sendAsGot = () => ownFunction(sender)?.(url, sent, callback);
    // As got does, for a function that gives nothing.
    const answer = given === undefined ? sendAsGot() : andThen(given(url, sent, callback), (own) => own ?? sendAsGot());
    return andThen(answer, (made) => {
      if (!isCarrying || made === undefined || !('setHeader' in made)) return made;
      if (!concealHeader(made, header, sent.headers) && !isConcealed) showOnceOnly(made, header);
      watch(made);
      return made;
    });
  }) as RequestFunction;
  sender.request = send;
}

/** What got sends with where the program has no function of its own. */
function ownFunction(sender: Sender): RequestFunction | undefined {
  const given = sender.request;
  if (given === undefined) return sender.getRequestFunction() as RequestFunction | undefined;
  sender.request = undefined;
  const own = sender.getRequestFunction();
  sender.request = given;
  return own as RequestFunction | undefined;
}

/** What to send with: what sends in a way of its own, a function of the program or HTTP/2, has to be given the header. */
function prepare(
  sender: Sender,
  options: NativeOptions,
  header: SecretHeader,
): { sent: NativeOptions; isConcealed: boolean } {
  if (sender.http2 && sender.request === undefined) {
    // got keeps some of them from a function of the program, and takes this one for that.
    const native = { ...options, ...sender.createNativeRequestOptions(), headers: options.headers };
    const concealed = concealInHttp2(native as never, header) as NativeOptions | undefined;
    if (concealed !== undefined) return { sent: concealed, isConcealed: true };
    return { sent: withHeader(native as NativeOptions, header), isConcealed: false };
  }
  // Of a request with `Expect`, Node makes the text of the head at once: what is put on later is not sent.
  const isGiven = sender.request !== undefined || Boolean(sender.h2session) || hasHeader(options.headers, 'expect');
  return { sent: isGiven ? withHeader(options, header) : options, isConcealed: false };
}

function withHeader(options: NativeOptions, { name, value }: SecretHeader): NativeOptions {
  return { ...options, headers: { ...options.headers, [name]: value } };
}

/** The request of a mock, or of HTTP/2 over a session of the program. */
function showOnceOnly(request: ClientRequest, { name, value, token }: SecretHeader): void {
  if (!request.headersSent && request.getHeader(name) === undefined) request.setHeader(name, value);
  hideOnceSent(request, token);
}

/** Goes on at once where there is no need to wait: the request could fail meanwhile, before anybody listens. */
function andThen<T, R>(value: T | Promise<T>, goOn: (value: T) => R | Promise<R>): R | Promise<R> {
  return isThenable(value) ? Promise.resolve(value).then(goOn) : goOn(value);
}
