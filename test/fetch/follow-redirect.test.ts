import { describe, expect, it } from 'vitest';
import { followRedirect, type Hop, markRedirected, networkError } from '../../src/fetch/follow-redirect.js';
import { thrownBy } from '../helpers/thrown-by.js';

const HEADERS = {
  accept: 'application/json',
  authorization: 'Basic abc',
  cookie: 'a=b',
  host: 'other.internal',
  'proxy-authorization': 'Basic def',
  'content-encoding': 'gzip',
  'content-language': 'de',
  'content-location': '/elsewhere',
  'content-type': 'text/plain',
};

function hopOf(method = 'GET', url = 'https://vault.internal/v1/a#part'): Hop {
  return { url: new URL(url), method, headers: new Headers(HEADERS), hasBody: method !== 'GET' };
}

function redirect(status: number, location: string | null): Response {
  return new Response(null, { status, headers: location === null ? {} : { location } });
}

const follow = (hop: Hop, status: number, location: string, redirectsLeft = 20) =>
  followRedirect(hop, redirect(status, location), redirectsLeft)!;

const namesIn = (headers: Headers) => [...headers.keys()];

describe('a response', () => {
  it.each([200, 204, 300, 304, 305, 306, 400, 401, 500])(
    'with status %i is no redirect, wherever it points',
    (status) => {
      expect(followRedirect(hopOf(), redirect(status, '/b'), 20)).toBeUndefined();
    },
  );

  it.each([301, 302, 303, 307, 308])('with status %i is a redirect when it says where to', (status) => {
    expect(follow(hopOf(), status, '/b').url.href).toBe('https://vault.internal/b#part');
    expect(followRedirect(hopOf(), redirect(status, null), 20)).toBeUndefined();
  });
});

describe('a redirect leads', () => {
  it.each([
    ['b', 'https://vault.internal/v1/b#part'],
    ['/b?c', 'https://vault.internal/b?c#part'],
    ['/b#other', 'https://vault.internal/b#other'],
    ['//other.internal/b', 'https://other.internal/b#part'],
    ['http://other.internal:8200', 'http://other.internal:8200/#part'],
    // As servers send it: UTF-8, which a header shows byte by byte.
    [Buffer.from('/grüße').toString('latin1'), 'https://vault.internal/gr%C3%BC%C3%9Fe#part'],
  ])('by %j to %s', (location, href) => {
    expect(follow(hopOf(), 307, location).url.href).toBe(href);
  });

  it('without a fragment where there was none', () => {
    expect(follow(hopOf('GET', 'https://vault.internal/a'), 307, '/b').url.href).toBe('https://vault.internal/b');
  });

  it.each([
    ['mailto:a@b.test', 'URL scheme must be a HTTP(S) scheme'],
    ['ftp://vault.internal', 'URL scheme must be a HTTP(S) scheme'],
    ['data:text/plain,a', 'URL scheme must be a HTTP(S) scheme'],
    ['https://user@vault.internal', 'cross origin not allowed for request mode "cors"'],
    ['https://:password@vault.internal', 'cross origin not allowed for request mode "cors"'],
    ['http://', new TypeError('Invalid URL')],
  ])('nowhere by %j', (location, reason) => {
    const error = thrownBy(() => follow(hopOf(), 302, location));
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({
      message: 'fetch failed',
      cause: reason instanceof Error ? reason : new Error(reason),
    });
  });

  it('twenty times, and no more', () => {
    expect(follow(hopOf(), 302, '/b', 1)).toBeDefined();
    expect(thrownBy(() => follow(hopOf(), 302, '/b', 0))).toMatchObject({
      cause: new Error('redirect count exceeded'),
    });
  });
});

describe('the next request', () => {
  it.each([
    [301, 'GET', 'GET'],
    [301, 'HEAD', 'HEAD'],
    [301, 'POST', 'GET'],
    [301, 'post', 'GET'],
    [301, 'PUT', 'PUT'],
    [301, 'DELETE', 'DELETE'],
    [302, 'POST', 'GET'],
    [302, 'PATCH', 'PATCH'],
    [303, 'GET', 'GET'],
    [303, 'HEAD', 'HEAD'],
    [303, 'head', 'head'],
    [303, 'POST', 'GET'],
    [303, 'PUT', 'GET'],
    [303, 'GETTY', 'GET'],
    [303, 'FORGET', 'GET'],
    [307, 'POST', 'POST'],
    [308, 'POST', 'POST'],
    [302, 'REPOST', 'REPOST'],
    [302, 'POSTED', 'POSTED'],
  ])('after %i to a %s is a %s', (status, method, next) => {
    const hop = hopOf(method);
    const { hasBody, headers, ...followed } = follow(hop, status, '/b');
    expect(followed.method).toBe(next);
    const becameGet = next !== method;
    expect(hasBody).toBe(becameGet ? false : hop.hasBody);
    expect(headers.has('content-type')).toBe(!becameGet);
  });

  it('has all headers within an origin', () => {
    const { headers } = follow(hopOf(), 307, '/b');
    expect(namesIn(headers)).toEqual(Object.keys(HEADERS).sort());
  });

  it('has no headers towards another origin that are meant for the one before', () => {
    const { headers } = follow(hopOf(), 307, 'https://vault.internal:8200/b');
    expect(namesIn(headers)).toEqual([
      'accept',
      'content-encoding',
      'content-language',
      'content-location',
      'content-type',
    ]);
  });

  it('has no headers of a body that it has not', () => {
    const hop = hopOf('POST');
    hop.headers.set('content-length', '7');
    expect(namesIn(follow(hop, 303, '/b').headers)).toEqual([
      'accept',
      'authorization',
      'cookie',
      'host',
      'proxy-authorization',
    ]);
  });

  it.each([
    [undefined, undefined],
    ['no-referrer', 'no-referrer'],
    ['origin, Unsafe-URL', 'unsafe-url'],
    ['no-referrer, of a later standard', 'no-referrer'],
    ['', undefined],
  ])('goes by the referrer policy that the redirect says: %j', (header, policy) => {
    const headers = { location: '/b', ...(header !== undefined && { 'referrer-policy': header }) };
    const next = followRedirect(hopOf(), new Response(null, { status: 307, headers }), 20)!;
    expect(next.referrerPolicy).toBe(policy);
    expect(follow({ ...next, referrerPolicy: 'origin' }, 307, '/c').referrerPolicy).toBe('origin');
  });

  it('leaves the one before as it was', () => {
    const hop = hopOf('POST');
    follow(hop, 303, 'https://other.internal/b');
    expect(namesIn(hop.headers)).toEqual(Object.keys(HEADERS).sort());
    expect(hop).toMatchObject({ method: 'POST', hasBody: true });
  });
});

describe('a response that redirects led to', () => {
  it('says so, and its clones say so too', async () => {
    const response = markRedirected(new Response('body', { status: 201, headers: { a: 'b' } }), false);
    const clone = response.clone();
    for (const each of [response, clone, clone.clone()]) {
      expect(each).toMatchObject({ redirected: true, status: 201 });
      expect(await each.text()).toBe('body');
    }
  });

  it('has the type of an answer of another origin, where it has one', () => {
    const ofType = (type: string) => Object.defineProperty(new Response(), 'type', { value: type, configurable: true });
    expect(markRedirected(ofType('basic'), true).type).toBe('cors');
    expect(markRedirected(ofType('basic'), false).type).toBe('basic');
    expect(markRedirected(ofType('default'), true).type).toBe('default');
  });

  it('can be changed by others as any other response', () => {
    const response = markRedirected(new Response(), false);
    Object.defineProperty(response, 'redirected', { value: false });
    expect(response.redirected).toBe(false);
    Object.assign(response, { clone: () => response });
    expect(response.clone()).toBe(response);
    expect(Reflect.deleteProperty(response, 'clone')).toBe(true);
    expect(response.clone()).not.toBe(response);
    expect(Object.keys(response)).toEqual([]);
  });
});

describe('an error of the network', () => {
  it('is what fetch rejects with', () => {
    expect(networkError('a reason')).toEqual(new TypeError('fetch failed', { cause: new Error('a reason') }));
  });
});
