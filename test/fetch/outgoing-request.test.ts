import { Readable } from 'node:stream';
import * as undici from 'undici';
import { describe, expect, it, vi } from 'vitest';
import { type Fetch, headersOf, OutgoingRequest, urlOf } from '../../src/fetch/outgoing-request.js';
import { turn } from '../helpers/turn.js';

const URL_A = 'https://a.example/path';
const URL_B = new URL('https://b.example/other');

type Init = Parameters<Fetch>[1];
type Body = NonNullable<Init>['body'];
type Sent = { input: unknown; init: Record<string, unknown> };

const outgoing = (input: Parameters<Fetch>[0], init?: Init, keepBody = true) =>
  new OutgoingRequest(input, init, keepBody);

/** A fetch that writes down what it is given. */
function recorder(): { fetch: Fetch; sent: Sent[] } {
  const sent: Sent[] = [];
  const fetch = async (input: unknown, init: unknown) => {
    sent.push({ input, init: init as Sent['init'] });
    return new Response();
  };
  return { fetch: fetch as Fetch, sent };
}

async function sendAll(request: OutgoingRequest, ...hops: Partial<OutgoingRequest['start']>[]): Promise<Sent[]> {
  const { fetch, sent } = recorder();
  for (const hop of hops) {
    await request.send(fetch, { ...request.start, ...hop }, new Headers({ 'x-token': 'token' }));
  }
  return sent;
}

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
});

/** What a body holds, in a form that can be compared. */
async function contentOf(body: unknown): Promise<unknown> {
  if (body instanceof FormData) {
    // Files by name and content: two that were made one after the other differ in their time.
    return Promise.all(
      [...body].map(async ([name, value]) => [name, value instanceof File ? [value.name, await value.text()] : value]),
    );
  }
  return Buffer.from(await new Response(body as Body).arrayBuffer()).toString();
}

describe('a body', () => {
  const form = () => {
    const form = new FormData();
    form.append('field', 'value');
    form.append('file', new File(['content'], 'name.txt'));
    return form;
  };

  const CHANGED: Record<string, [() => unknown, (body: never) => void]> = {
    'an ArrayBuffer': [() => new Uint8Array([1, 2]).buffer, (body: ArrayBuffer) => new Uint8Array(body).fill(9)],
    'a typed array': [() => new Uint8Array([1, 2]), (body: Uint8Array) => body.fill(9)],
    'a part of a buffer': [() => new Uint8Array([0, 1, 2, 0]).subarray(1, 3), (body: Uint8Array) => body.fill(9)],
    'a DataView': [
      () => new DataView(new Uint8Array([0, 1, 2, 0]).buffer, 1, 2),
      (body: DataView) => body.setUint8(0, 9),
    ],
    URLSearchParams: [() => new URLSearchParams({ a: '1' }), (body: URLSearchParams) => body.set('a', '9')],
    FormData: [form, (body: FormData) => body.set('field', 'other')],
  };

  it.each(Object.entries(CHANGED))('of %s is sent as it was at the call', async (_, [make, change]) => {
    const body = make();
    const request = outgoing(URL_A, { method: 'POST', body: body as Body });
    change(body as never);
    for (const sent of await sendAll(request, {}, {})) {
      expect(sent.init.body).not.toBe(body);
      expect(await contentOf(sent.init.body)).toEqual(await contentOf(make()));
    }
  });

  it('of FormData keeps the names of its files', async () => {
    const [sent] = await sendAll(outgoing(URL_A, { method: 'POST', body: form() }), {});
    expect((sent!.init.body as FormData).get('file')).toMatchObject({ name: 'name.txt' });
  });

  it('that merely looks like FormData is left as it is', async () => {
    const body = { [Symbol.toStringTag]: 'FormData' } as never;
    const [sent] = await sendAll(outgoing(URL_A, { method: 'POST', body }), {});
    expect(sent?.init.body).toBe(body);
  });

  it.each<[string, Body, boolean]>([
    ['none', undefined, true],
    ['null', null, true],
    ['a text', 'text', true],
    ['an empty text', '', true],
    ['bytes', new Uint8Array([1]), true],
    ['a web stream', new Blob(['text']).stream(), false],
    ['a Node stream', Readable.from(['text']) as never, false],
  ])('that is %s can be sent again: %s', (_, body, canBe) => {
    const request = outgoing(URL_A, { method: 'POST', body });
    expect(request.canSendAgain(request.start)).toBe(canBe);
    expect(request.canSendAgain({ ...request.start, hasBody: false })).toBe(true);
  });

  describe('of a Request', () => {
    const requestWith = (body: Body) => new Request(URL_A, { method: 'POST', body, duplex: 'half' } as never);

    it('can be sent again once all of it was read, with its bytes', async () => {
      const input = requestWith('text');
      const request = outgoing(input, undefined);
      expect(request.canSendAgain(request.start)).toBe(false);
      await expect.poll(() => request.canSendAgain(request.start)).toBe(true);
      const [first, second] = await sendAll(request, {}, {});
      // The first time the Request sends its own.
      expect(first?.init).not.toHaveProperty('body');
      expect(Buffer.from(second?.init.body as Uint8Array).toString()).toBe('text');
      request.release();
      expect(request.canSendAgain(request.start)).toBe(false);
    });

    it('that was used can not be sent again', async () => {
      const input = requestWith('text');
      await input.text();
      const request = outgoing(input, undefined);
      await turn();
      expect(request.start.hasBody).toBe(true);
      expect(request.canSendAgain(request.start)).toBe(false);
      expect(() => request.release()).not.toThrow();
    });

    it('is not kept for one that would not be sent again', async () => {
      const request = outgoing(requestWith('text'), undefined, false);
      await turn();
      expect(request.start.hasBody).toBe(true);
      expect(request.canSendAgain(request.start)).toBe(false);
      const [, second] = await sendAll(request, {}, {});
      expect(second?.init).not.toHaveProperty('body');
    });

    it('does not count where the options have one', async () => {
      const input = requestWith('text');
      const clone = vi.spyOn(input, 'clone');
      const request = outgoing(input, { body: 'other' });
      expect(request.canSendAgain(request.start)).toBe(true);
      expect(clone).not.toHaveBeenCalled();
      const [sent] = await sendAll(request, {});
      expect(sent?.init.body).toBe('other');
    });

    it('that has none can be sent again', () => {
      const request = outgoing(new Request(URL_A, { method: 'POST' }), undefined);
      expect(request.start.hasBody).toBe(false);
      expect(request.canSendAgain(request.start)).toBe(true);
    });
  });
});
