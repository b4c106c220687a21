import { Readable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { inOtherRealm, OtherURLSearchParams } from '../helpers/other-realm.js';
import { type FetchInit, outgoing, sendAll, URL_A } from '../helpers/outgoing-request.js';
import { turn } from '../helpers/turn.js';

type Body = NonNullable<FetchInit>['body'];

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
    'an ArrayBuffer of another realm': [
      () => new (inOtherRealm<typeof ArrayBuffer>('ArrayBuffer'))(2),
      (body: ArrayBuffer) => new Uint8Array(body).fill(9),
    ],
    'URLSearchParams of another realm': [
      () => new OtherURLSearchParams([['a', '1']]),
      (body: OtherURLSearchParams) => body.set('a', '9'),
    ],
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
