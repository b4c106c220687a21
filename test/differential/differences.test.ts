import { describe, expect, it } from 'vitest';
import { differencesBetween } from './differences.js';
import type { Scenario } from './scenario.js';
import type { ReceivedRequest } from './server/received-request.js';
import { TOKEN_MARK } from './token-of-run.js';

const SCENARIO = { carrier: 'X-Vault-Token', headers: undefined, refusedAt: 0 } as Scenario;

function request(tokenLine: string, other: Partial<ReceivedRequest> = {}): ReceivedRequest {
  const head = `GET /0/h0 HTTP/1.1\r\nHost: listed.test\r\n${tokenLine}\r\n`;
  return { at: 'listed.test', connection: 0, head, body: '', isWhole: true, wasRefused: false, ...other };
}

const withToken = (generation: number) => `x-vault-token: ${TOKEN_MARK}${generation}\r\n`;
const refused = request(withToken(1), { wasRefused: true });

/** Where a run of the wrapped client differs from one of the bare client, which sends one request. */
function placesIn(received: readonly ReceivedRequest[], end: Partial<ReceivedRequest> = {}): string[] {
  const bare = { received: [request('', end)], seen: [] };
  const subject = { canSendAgain: () => true };
  return differencesBetween(subject, SCENARIO, bare, { received, seen: [] }).map(({ where }) => where);
}

describe('After a refused request', () => {
  it('one retry with another token is no difference', () => {
    expect(placesIn([refused, request(withToken(2))])).toEqual([]);
  });

  it('what ended its retry is no difference', () => {
    expect(placesIn([refused, request(withToken(2), { resetCode: 2 })], { resetCode: 2 })).toEqual([]);
    expect(placesIn([refused, request(withToken(2), { resetCode: 2 })])).toEqual(['received keys']);
  });

  it.each([
    ['a request with the token that was refused', [request(withToken(1))], 'received order: the end / listed.test'],
    ['a second retry', [request(withToken(2)), request(withToken(2))], 'received order: the end / listed.test'],
    ['a retry with another body', [request(withToken(2), { body: 'more' })], 'received at the retry'],
  ])('%s is one', (_, later, where) => {
    expect(placesIn([refused, ...later])).toEqual([where]);
  });
});
