import { Readable } from 'node:stream';
import * as undici from 'undici';
import { describe, expect, it } from 'vitest';
import { type Fetch, headersOf, urlOf } from '../../src/fetch/outgoing-request.js';
import { outgoing, sendAll, URL_A } from '../helpers/outgoing-request.js';

const URL_B = new URL('https://b.example/other');

describe('where a request goes', () => {
  it.each([
    ['a text', URL_A, URL_A],
    ['a URL', new URL(URL_A), URL_A],
    ['a Request', new Request(URL_A), URL_A],
    ["undici's Request", new undici.Request(URL_A) as never, URL_A],
    ['a text that is no whole URL', '/path', undefined],
  ])('is told by %s', (_, input, href) => {
    expect(urlOf(input)?.href).toBe(href);
  });

  it('must be known', () => {
    expect(() => outgoing('/path', undefined)).toThrow(new TypeError('Invalid URL'));
  });
});

describe('the headers of a request', () => {
  it.each<[string, Parameters<Fetch>, Record<string, string>]>([
    ['none', [URL_A], {}],
    ['those of the options', [URL_A, { headers: { a: '1' } }], { a: '1' }],
    ['those of a Request', [new Request(URL_A, { headers: { a: '1' } })], { a: '1' }],
    [
      'those of the options rather than of a Request',
      [new Request(URL_A, { headers: { a: '1' } }), { headers: { b: '2' } }],
      { b: '2' },
    ],
    [
      'those of a Request with other options',
      [new Request(URL_A, { headers: { a: '1' } }), { method: 'PUT' }],
      { a: '1' },
    ],
    [
      'those of a Request with options that say nothing',
      [new Request(URL_A, { headers: { a: '1' } }), { headers: undefined as never }],
      { a: '1' },
    ],
  ])('are %s', (_, [input, init], expected) => {
    expect(Object.fromEntries(headersOf(input, init))).toEqual(expected);
    expect(Object.fromEntries(outgoing(input, init).start.headers)).toEqual(expected);
  });
});

describe('a request', () => {
  it('begins as a GET without a body that follows redirects', () => {
    const { start, redirect, signal } = outgoing(URL_A, undefined);
    expect(start).toMatchObject({ method: 'GET', hasBody: false });
    expect(start.url.href).toBe(URL_A);
    expect(redirect).toBe('follow');
    expect(signal).toBeUndefined();
  });

  it('begins as its options say', () => {
    const { signal } = new AbortController();
    const request = outgoing(URL_A, { method: 'PUT', body: 'text', redirect: 'error', signal });
    expect(request.start).toMatchObject({ method: 'PUT', hasBody: true });
    expect(request.redirect).toBe('error');
    expect(request.signal).toBe(signal);
  });

  it('begins as its Request says, unless the options say otherwise', () => {
    const input = new Request(URL_A, { method: 'POST', body: 'text', redirect: 'manual' });
    expect(outgoing(input.clone(), undefined)).toMatchObject({
      start: { method: 'POST', hasBody: true },
      redirect: 'manual',
      signal: expect.any(AbortSignal),
    });
    expect(outgoing(input.clone(), { method: undefined, redirect: undefined } as never)).toMatchObject({
      start: { method: 'POST', hasBody: true },
      redirect: 'manual',
    });
    expect(outgoing(input.clone(), { method: 'PUT', redirect: 'follow' })).toMatchObject({
      start: { method: 'PUT', hasBody: true },
      redirect: 'follow',
    });
  });

  it.each([null, undefined])('may have %o for options, as fetch allows', (init) => {
    expect(outgoing(URL_A, init as never).start).toMatchObject({ method: 'GET', hasBody: false });
  });

  it.each([null, undefined])('has no signal when that is %o, and no body neither', (nothing) => {
    const request = outgoing(URL_A, { signal: nothing, body: nothing });
    expect(request.signal).toBeUndefined();
    expect(request.start.hasBody).toBe(false);
  });

  it('takes options that are a Request, or inherit them', async () => {
    const init = new Request(URL_A, { method: 'DELETE', headers: { a: '1' } });
    const request = outgoing(URL_A, init as never);
    expect(request.start.method).toBe('DELETE');
    expect(request.start.headers.get('a')).toBe('1');
    const [sent] = await sendAll(request, {});
    expect(sent?.init).toMatchObject({ method: 'DELETE' });
  });
});

describe('sending', () => {
  it('hands the URL on with the headers of the hop, and without following redirects', async () => {
    const [sent] = await sendAll(outgoing(URL_A, { headers: { a: '1' }, method: 'PUT', body: 'text' }), {});
    expect(sent?.input).toBe(URL_A);
    expect(sent?.init).toEqual({ method: 'PUT', body: 'text', headers: [['x-token', 'token']], redirect: 'manual' });
  });

  it.each(['error', 'manual'] as const)('leaves redirect: %j as it is', async (redirect) => {
    const [sent] = await sendAll(outgoing(URL_A, { redirect }), {});
    expect(sent?.init.redirect).toBe(redirect);
  });

  it('hands on what it does not know, such as the dispatcher of undici', async () => {
    const init = { dispatcher: {}, more: 1 } as never;
    const [sent] = await sendAll(outgoing(URL_A, init), {});
    expect(sent?.init).toMatchObject(init);
  });

  it('leaves the body out where a hop has none', async () => {
    const request = outgoing(URL_A, { method: 'POST', body: 'text' });
    const [sent] = await sendAll(request, { method: 'GET', hasBody: false });
    expect(sent?.init).not.toHaveProperty('body');
    expect(sent?.init.method).toBe('GET');
  });

  it('hands a Request itself on for as long as it goes to the same place', async () => {
    const input = new Request(URL_A, { method: 'POST', body: 'text', headers: { a: '1' } });
    const [sent] = await sendAll(outgoing(input, { keepalive: true }), {});
    expect(sent?.input).toBe(input);
    expect(sent?.init).toEqual({ keepalive: true, headers: [['x-token', 'token']], redirect: 'manual' });
  });

  it.each([
    ['another URL', { url: URL_B }, URL_B.href, 'PUT'],
    ['another method', { method: 'GET', hasBody: false }, URL_A, 'GET'],
  ])('hands on what a Request shows to %s', async (_, hop, href, method) => {
    const { signal } = new AbortController();
    const input = new Request(URL_A, {
      method: 'PUT',
      body: 'text',
      headers: { a: '1' },
      cache: 'no-store',
      signal,
    } as never);
    const [sent] = await sendAll(outgoing(input, undefined), hop);
    expect(sent?.input).toBe(href);
    expect(sent?.init).toMatchObject({ method, cache: 'no-store', redirect: 'manual', signal: input.signal });
    expect(sent?.init.headers).toEqual([['x-token', 'token']]);
    expect(sent?.init).not.toHaveProperty('duplex');
  });

  it.each([
    ['a hop with the body', {}, 'half'],
    ['a hop without', { hasBody: false, method: 'GET' }, undefined],
  ])('gives the duplex of the options to %s', async (_, hop, duplex) => {
    const body = Readable.from(['text']);
    const request = outgoing(URL_A, { method: 'POST', body, duplex: 'half' } as never);
    const [sent] = await sendAll(request, hop);
    expect(sent?.init.duplex).toBe(duplex);
  });

  it('leaves a duplex to fetch that it rejects, also without a body', async () => {
    const [sent] = await sendAll(outgoing(URL_A, { duplex: 'full' } as never), {});
    expect(sent?.init.duplex).toBe('full');
  });
});
