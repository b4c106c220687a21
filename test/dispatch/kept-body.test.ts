import { describe, expect, it, vi } from 'vitest';
import { KeptBody } from '../../src/dispatch/kept-body.js';

const chunksOf = (...texts: string[]) => texts.map((text) => new TextEncoder().encode(text));

/** A body that gives its chunks once, and tells when it is ended before. */
function bodyOf(texts: string[], maxBytes = 100) {
  const ended = vi.fn();
  const chunks = chunksOf(...texts).values();
  const source: AsyncIterableIterator<Uint8Array> = {
    next: async () => chunks.next(),
    return: async () => {
      ended();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => source,
  };
  return { body: new KeptBody(source, maxBytes), ended };
}

async function read(body: AsyncIterable<Uint8Array>, atMost = Number.POSITIVE_INFINITY): Promise<string> {
  let text = '';
  for await (const chunk of body) {
    text += Buffer.from(chunk).toString();
    if (--atMost === 0) break;
  }
  return text;
}

describe('a kept body', () => {
  it('is read again from its start, with what was not read the first time', async () => {
    const { body, ended } = bodyOf(['a', 'b', 'c']);
    expect(await read(body.read(), 2)).toBe('ab');
    expect(body.isKept).toBe(true);
    expect(ended).not.toHaveBeenCalled();
    expect(await read(body.read())).toBe('abc');
    expect(await read(body.read())).toBe('abc');
  });

  it('loses no chunk that the first reading had asked for when it ended', async () => {
    const { body } = bodyOf(['a', 'b', 'c']);
    const first = body.read();
    await first.next();
    const [, , second] = await Promise.all([first.next(), first.return(), read(body.read())]);
    expect(second).toBe('abc');
  });

  it('that is too long is read to its end, once', async () => {
    const { body, ended } = bodyOf(['aa', 'bb', 'cc'], 3);
    expect(await read(body.read())).toBe('aabbcc');
    expect(body.isKept).toBe(false);
    expect(ended).not.toHaveBeenCalled();
  });

  it('is ended once it is let go of and is not read', async () => {
    const { body, ended } = bodyOf(['a', 'b', 'c']);
    const reading = body.read();
    await reading.next();
    body.release();
    expect(body.isKept).toBe(false);
    expect(ended).not.toHaveBeenCalled();
    expect(await read(reading, 1)).toBe('b');
    expect(ended).toHaveBeenCalledTimes(1);
  });

  it('that was never read is ended when it is let go of', () => {
    const { body, ended } = bodyOf(['a']);
    body.release();
    expect(ended).toHaveBeenCalledTimes(1);
  });
});
