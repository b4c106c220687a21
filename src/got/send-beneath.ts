import type { ClientRequest } from 'node:http';
import type { Options } from 'got';
import { isThenable } from '../internal/is-thenable.js';

/** The function by which got sends: Node's own, or one of the program's. */
export type RequestFunction = NonNullable<Options['request']>;
type NativeOptions = Parameters<RequestFunction>[1];

/** Where got keeps that function, and what it uses in its place. */
export type Sender = Pick<Options, 'request' | 'getFallbackRequestFunction'>;

/**
 * Changes the headers of the next attempt on Node's own request only, as the options of got are shown with every response and
 * error.
 *
 * @param change - told where the attempt really goes and with which headers, and gives those to send
 * @param watch - gets Node's request as soon as there is one
 */
export function sendBeneath(
  sender: Sender,
  change: (url: URL, headers: NativeOptions['headers']) => NativeOptions['headers'],
  watch: (request: ClientRequest) => void,
): void {
  const given = sender.request;
  const send = ((url, options, callback) => {
    if (sender.request === send) sender.request = given;
    const sent = { ...options, headers: change(url, options.headers) };
    const sendAsGot = () => sender.getFallbackRequestFunction()?.(url, sent, callback);
    // As got does, for a function that gives nothing.
    const answer = given === undefined ? sendAsGot() : andThen(given(url, sent, callback), (own) => own ?? sendAsGot());
    return andThen(answer, (made) => {
      if (made !== undefined && 'setHeader' in made) watch(made);
      return made;
    });
  }) as RequestFunction;
  sender.request = send;
}

/** Goes on at once where there is no need to wait: the request could fail meanwhile, before anybody listens. */
function andThen<T, R>(value: T | Promise<T>, goOn: (value: T) => R | Promise<R>): R | Promise<R> {
  return isThenable(value) ? Promise.resolve(value).then(goOn) : goOn(value);
}
