import { once } from 'node:events';
import { Agent, type ClientRequest, request } from 'node:http';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hideToken } from '../../src/carry/hide-token.js';
import { LoopbackServer } from '../../src/testing/loopback-server.js';
import { inOtherRealm } from '../helpers/other-realm.js';

const TOKEN = 'eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjF9.c2lnbmF0dXJl';

/** Everything that can be reached from a value, by any kind of key, as text. */
function reachable(root: unknown): string {
  const seen = new Set<unknown>();
  const texts: string[] = [];
  const pending = [root];
  while (pending.length > 0) {
    const value = pending.pop();
    if (typeof value === 'string') texts.push(value);
    if (Buffer.isBuffer(value)) texts.push(value.toString('latin1'));
    if (typeof value !== 'object' || value === null || seen.has(value) || ArrayBuffer.isView(value)) continue;
    seen.add(value);
    for (const key of Reflect.ownKeys(value)) {
      const descriptor = Reflect.getOwnPropertyDescriptor(value, key)!;
      if ('value' in descriptor) pending.push(descriptor.value);
    }
  }
  return texts.join('\n');
}

describe('a request that was sent', () => {
  let server: LoopbackServer;
  let agent: Agent;
  let sent: ClientRequest;

  beforeEach(async () => {
    server = await LoopbackServer.start(async () => ({ status: 401, body: 'refused' }));
    agent = new Agent({ keepAlive: true });
    sent = request(`${server.origin}/v1/secret?key=private`, {
      agent,
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'x-more': 'kept' },
    });
    sent.end('body');
    const [response] = await once(sent, 'response');
    await once(response.resume(), 'end');
  });
  afterEach(async () => {
    agent.destroy();
    await server.close();
  });

  it('holds the token, as Node leaves it', () => {
    expect(reachable(sent)).toContain(TOKEN);
  });

  it('holds it nowhere within reach afterwards', () => {
    hideToken(sent, TOKEN);
    expect(reachable(sent)).not.toContain(TOKEN);
    expect(sent.getHeader('authorization')).toBe('Bearer [token]');
    expect(sent.getHeader('x-more')).toBe('kept');
  });

  it('is shown as a line, without its query', () => {
    hideToken(sent, TOKEN);
    expect(inspect(sent, { depth: 9, showHidden: true })).toBe('ClientRequest { POST http://127.0.0.1/v1/secret }');
    expect(JSON.parse(JSON.stringify(sent))).toEqual({
      method: 'POST',
      protocol: 'http:',
      host: '127.0.0.1',
      path: '/v1/secret',
    });
  });
});

describe('a request that was not sent, for nobody listens,', () => {
  it.each([
    ['without a body', (request: ClientRequest) => request.end()],
    ['with a body', (request: ClientRequest) => request.end('body')],
    [
      'with a body in pieces',
      (request: ClientRequest) => {
        request.write('body');
        request.end('more');
      },
    ],
  ])('%s holds the token nowhere within reach', async (_, finish) => {
    const server = await LoopbackServer.start(async () => ({ status: 204 }));
    await server.close();
    const unsent = request(server.origin, { method: 'POST', headers: { authorization: `Bearer ${TOKEN}` } });
    const failed = once(unsent, 'error');
    finish(unsent);
    await failed;
    expect(reachable(unsent)).toContain(TOKEN);
    hideToken(unsent, TOKEN);
    expect(reachable(unsent)).not.toContain(TOKEN);
  });
});

/** An object that is not plain, as those of clients are not. */
class Kept {
  constructor(members: Record<string, unknown>) {
    Object.assign(this, members);
  }
}

/** Where clients and Node keep what they sent, each in its own shape. */
const PLACES: Record<string, (text: string) => Record<PropertyKey, unknown>> = {
  'its text': (text) => ({ _header: `GET / HTTP/1.1\r\nauthorization: ${text}\r\nx: ${text}\r\n` }),
  'a member with a symbol': (text) => ({
    [Symbol('kOutHeaders')]: { __proto__: null, authorization: ['Authorization', text] },
  }),
  'an object of another realm': (text) => ({
    headers: Object.assign(inOtherRealm<object>('{}'), { authorization: text }),
  }),
  'what was not sent yet': (text) => ({ outputData: [{ data: text, encoding: 'latin1' }] }),
  'the options of the next hop': (text) => ({ _options: new Kept({ auth: text }) }),
  'the headers of the next hop': (text) => ({ _options: new Kept({ headers: new Kept({ authorization: text }) }) }),
  'the request of the present hop': (text) => ({ _currentRequest: { _header: text } }),
  'the request that redirects': (text) => ({ _redirectable: { _options: { headers: { authorization: text } } } }),
  'the request of a response': (text) => ({ req: { _header: text } }),
  'its socket': (text) => ({ socket: new Kept({ _pendingData: text }) }),
  'its socket, in pieces': (text) => ({ socket: new Kept({ _pendingData: [{ chunk: text, encoding: 'latin1' }] }) }),
};

describe('a token in', () => {
  it.each(Object.entries(PLACES))('%s is hidden', (_, place) => {
    const target = place(`Bearer ${TOKEN}`);
    expect(reachable(target)).toContain(TOKEN);
    hideToken(target, TOKEN);
    expect(reachable(target)).not.toContain(TOKEN);
    expect(reachable(target)).toContain('Bearer [token]');
  });
});

describe('hiding', () => {
  it('comes to an end where requests refer to each other', () => {
    const first: Record<string, unknown> = { _header: TOKEN };
    const second = { _header: TOKEN, _redirectable: first };
    first._currentRequest = second;
    hideToken(first, TOKEN);
    expect([first._header, second._header]).toEqual(['[token]', '[token]']);
  });

  it('goes as deep as headers lie, and no deeper', () => {
    const target = { a: { b: { c: { text: TOKEN, d: { text: TOKEN } } } } };
    hideToken(target, TOKEN);
    expect(target).toMatchObject({ a: { b: { c: { text: '[token]', d: { text: TOKEN } } } } });
  });

  it('leaves alone what others share: objects of classes, such as agents', () => {
    const target = { agent: new Kept({ text: TOKEN }) };
    hideToken(target, TOKEN);
    expect(target).toMatchObject({ agent: { text: TOKEN } });
  });

  it('calls no accessor', () => {
    const target = Object.defineProperty({}, 'lazy', {
      enumerable: true,
      get: () => {
        throw new Error('was called');
      },
    });
    expect(() => hideToken(target, TOKEN)).not.toThrow();
  });

  it('is not stopped by an object that lists members and denies them', () => {
    const odd = new Proxy({ text: TOKEN }, { getOwnPropertyDescriptor: () => undefined });
    const target = { odd, text: TOKEN };
    hideToken(target, TOKEN);
    expect(target.text).toBe('[token]');
  });

  it('leaves other texts, and what is no text, as they are', () => {
    const target = { count: 7, none: null, missing: undefined, text: 'Bearer other', list: ['a', 1, null] };
    hideToken(target, TOKEN);
    expect({ ...target }).toEqual({
      count: 7,
      none: null,
      missing: undefined,
      text: 'Bearer other',
      list: ['a', 1, null],
    });
  });

  it.each([undefined, null, 'text', 7])('of %j does nothing', (value) => {
    expect(() => hideToken(value, TOKEN)).not.toThrow();
  });

  it('adds nothing that is listed', () => {
    const target = { method: 'GET' };
    hideToken(target, TOKEN);
    expect(Object.keys(target)).toEqual(['method']);
    expect(Object.getOwnPropertySymbols(target)).toEqual([inspect.custom]);
  });

  it('leaves it to others to show the request in another way', () => {
    const target: Record<PropertyKey, unknown> = { method: 'GET' };
    hideToken(target, TOKEN);
    target.toJSON = () => 'mine';
    expect(JSON.stringify(target)).toBe('"mine"');
    expect(delete target[inspect.custom]).toBe(true);
  });

  it('shows what has no class as a request', () => {
    const target = Object.assign(Object.create(null), {
      method: 'GET',
      protocol: 'https:',
      host: 'a.example',
      path: '/',
    });
    hideToken(target, TOKEN);
    expect(inspect(target)).toBe('Request { GET https://a.example/ }');
  });
});
