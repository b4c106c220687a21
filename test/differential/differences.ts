import type { Observation } from './observe.js';
import { hasOwnHeader } from './own-header.js';
import { LISTED, type Scenario } from './scenario.js';
import type { ReceivedRequest } from './server/received-request.js';
import type { Subject } from './subject.js';
import { carriesToken, TOKEN_MARK, tokenLineOf, withoutToken } from './token-of-run.js';

/** Something that differs: where, and how it is for either client. */
export interface Difference {
  /** Such as `seen response type` or `received head`, without numbers, so that scenarios can be told by it. */
  readonly where: string;
  readonly bare: unknown;
  readonly wrapped: unknown;
  /** The same things in another order, maybe on other connections. */
  readonly isOrderOnly?: boolean;
}

/** All that differs between a bare run and a wrapped one, besides the token and the one retry. */
export function differencesBetween(
  subject: Pick<Subject, 'forgetsHops' | 'canSendAgain' | 'hasOwnHeader'>,
  scenario: Scenario,
  bare: Observation,
  wrapped: Observation,
): Difference[] {
  // Where the wrapped client does not send again, a second request is the client's own, as that of undici's fetch after a 401.
  const { requests, findings } = subject.canSendAgain(scenario)
    ? withoutRetries(wrapped.received)
    : { requests: wrapped.received, findings: [] };
  const hasRetried = requests.length < wrapped.received.length;
  const plain = (list: readonly ReceivedRequest[]) =>
    list.map(({ connection, head, wasRefused: _, ...request }) => ({
      ...request,
      head: withoutToken(head),
      // Whether a refusal's connection can be used again is up to its body.
      connection: hasRetried ? undefined : connection,
    }));
  return [
    ...findings,
    ...compareLists('received', plain(bare.received), plain(requests), ({ at }) => at),
    ...compareLists('seen', bare.seen, wrapped.seen, ({ what }) => what),
    ...misplacedTokens(subject, scenario, requests),
    ...shownTokens(wrapped),
  ];
}

/** What was received without the retries of refused attempts, each of which repeats its attempt to the byte. */
function withoutRetries(received: readonly ReceivedRequest[]): {
  requests: ReceivedRequest[];
  findings: Difference[];
} {
  const findings: Difference[] = [];
  const retryOf = new Map<ReceivedRequest, ReceivedRequest>();
  for (const [index, refused] of received.entries()) {
    const retry = refused.wasRefused && received.slice(index + 1).find((later) => isRetryOf(refused, later));
    if (!retry) continue;
    retryOf.set(refused, retry);
    const [first, second] = [refused, retry].map(({ head, body }) => withoutToken(head) + body);
    if (first !== second) findings.push({ where: 'received at the retry', bare: first, wrapped: second });
  }
  const retries = new Set(retryOf.values());
  const requests = received.filter((request) => !retries.has(request));
  return { requests: requests.map((request) => withEndOf(retryOf.get(request) ?? request, request)), findings };
}

/** The request, ended as its retry was: a stream may be reset by what it is answered. */
function withEndOf({ resetCode }: ReceivedRequest, { resetCode: _, ...request }: ReceivedRequest): ReceivedRequest {
  return resetCode === undefined ? request : { ...request, resetCode };
}

/** Whether it goes to the same hop with another token. The next request of a program for the same URL may carry the one that was refused. */
function isRetryOf(refused: ReceivedRequest, later: ReceivedRequest): boolean {
  const isSameHop = later.at === refused.at && later.head.split('\r\n', 1)[0] === refused.head.split('\r\n', 1)[0];
  return isSameHop && tokenLineOf(later.head) !== tokenLineOf(refused.head);
}

/** Tells where a request has no token although it should, or has one although it should not. */
function misplacedTokens(
  { forgetsHops = false, hasOwnHeader: isOwn = hasOwnHeader }: Pick<Subject, 'forgetsHops' | 'hasOwnHeader'>,
  scenario: Scenario,
  requests: readonly ReceivedRequest[],
): Difference[] {
  const name = scenario.carrier.toLowerCase();
  // By the first part of the path: requests under way at once come in any order.
  const leftSeries = new Set<string>();
  return requests.flatMap(({ at, head, isWhole }) => {
    const [, series = '', hop] = /^\S+ \S*?\/(\d+)\/(?:h(\d+))?/.exec(head) ?? [];
    if (hop === '0' || forgetsHops) leftSeries.delete(series);
    const isListed = LISTED.some((listed) => at === `${listed}.test`);
    const hasOther = new RegExp(`^${name}:`, 'im').test(withoutToken(head));
    if (!isListed || hasOther || (isOwn(scenario) && !forgetsHops)) leftSeries.add(series);
    const hasLeft = leftSeries.has(series);
    const carries = carriesToken(head);
    // Where a redirect that names no hop leads to is not known here.
    const isRight = hop === undefined || !isWhole ? isListed || !carries : carries === !hasLeft;
    return isRight ? [] : [{ where: 'received token', bare: hasLeft ? 'none' : 'a token', wrapped: `${at} ${head}` }];
  });
}

function shownTokens({ seen }: Observation): Difference[] {
  return seen
    .filter((entry) => JSON.stringify(entry).includes(TOKEN_MARK))
    .map((entry) => ({ where: `seen token in ${entry.what}`, bare: 'no token', wrapped: entry }));
}

/** Lists of different things are one difference, things of the same kind are compared member by member. */
function compareLists<T extends object>(
  name: string,
  bare: readonly T[],
  wrapped: readonly T[],
  kindOf: (item: T) => string,
): Difference[] {
  const [kinds, otherKinds] = [bare.map(kindOf), wrapped.map(kindOf)];
  const at = kinds.findIndex((kind, index) => kind !== otherKinds[index]);
  const apart = at < 0 && kinds.length < otherKinds.length ? kinds.length : at;
  if (apart >= 0) {
    const where = `${name} order: ${kinds[apart] ?? 'the end'} / ${otherKinds[apart] ?? 'the end'}`.replace(
      / \d+/g,
      '',
    );
    const isOrderOnly = inNoOrder(kinds) === inNoOrder(otherKinds);
    return [{ where, bare: partOf(kinds, bare[apart]), wrapped: partOf(otherKinds, wrapped[apart]), isOrderOnly }];
  }
  return bare.flatMap((item, index) =>
    compareValues(name === 'seen' ? `seen ${kindOf(item).replace(/ \d+$/, '')}` : name, item, wrapped[index]),
  );
}

/** What came without its order; how many connections there are is a matter of order too. */
function inNoOrder(kinds: readonly string[]): string {
  return kinds
    .filter((kind) => !/^event (connect|disconnect|drain)$/.test(kind))
    .sort()
    .join();
}

/** What came in which order, and in full where the lists part. */
function partOf(kinds: readonly string[], item: unknown): unknown {
  return { order: kinds.join(', '), there: item };
}

function compareValues(where: string, bare: unknown, wrapped: unknown): Difference[] {
  if (isObject(bare) && isObject(wrapped)) {
    if (isErrorLike(bare) && isErrorLike(wrapped) && nameOf(bare) !== nameOf(wrapped)) {
      return [{ where: `${where}: ${nameOf(bare)} / ${nameOf(wrapped)}`, bare, wrapped }];
    }
    const [keys, otherKeys] = [Object.keys(bare), Object.keys(wrapped)];
    if (keys.join() !== otherKeys.join()) return [{ where: `${where} keys`, bare, wrapped }];
    const step = (key: string) => (Array.isArray(bare) ? where : `${where} ${key}`);
    return keys.flatMap((key) => compareValues(step(key), bare[key], wrapped[key]));
  }
  return Object.is(bare, wrapped) ? [] : [{ where, bare, wrapped }];
}

/** An error as `describe` gives it. */
interface ErrorLike {
  readonly of: string;
  readonly name: string;
  readonly message: string;
  readonly code: unknown;
}

function isErrorLike(value: object): value is ErrorLike {
  return 'of' in value && 'name' in value && 'message' in value && 'code' in value;
}

function nameOf({ of, name, message, code }: ErrorLike): string {
  return `${[...new Set([of, name])].join(' ')} ${typeof code === 'string' ? code : ''} "${message.replace(/\d+/g, 'N')}"`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
