import { describe, expect, it, vi } from 'vitest';
import { CapturedBody } from '../../src/fetch/captured-body.js';
import { turn } from '../helpers/turn.js';

const MEBIBYTE = 1024 * 1024;

/** A stream whose end a test decides upon. */
function openStream() {
  const cancel = vi.fn();
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const stream = new ReadableStream<Uint8Array>({
    start: (given) => {
      controller = given;
    },
    cancel,
  });
  return { stream, controller, cancel };
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

describe('a captured body', () => {
  it('has its bytes once they were all read', async () => {
    const { stream, controller } = openStream();
    const body = new CapturedBody(stream);
    controller.enqueue(bytesOf('first '));
    controller.enqueue(bytesOf('second'));
    await turn();
    expect(body.bytes).toBeUndefined();
    controller.close();
    await expect.poll(() => body.bytes).toBeDefined();
    expect(Buffer.from(body.bytes!).toString()).toBe('first second');
  });

  it('may be empty', async () => {
    const { stream, controller } = openStream();
    const body = new CapturedBody(stream);
    controller.close();
    await expect.poll(() => body.bytes).toBeDefined();
    expect(body.bytes).toHaveLength(0);
  });

  it.each([
    ['of 10 MiB is kept', 10 * MEBIBYTE, true],
    ['of a byte more is not', 10 * MEBIBYTE + 1, false],
  ])('%s', async (_, size, isKept) => {
    const { stream, controller, cancel } = openStream();
    const body = new CapturedBody(stream);
    controller.enqueue(new Uint8Array(10 * MEBIBYTE));
    controller.enqueue(new Uint8Array(size - 10 * MEBIBYTE));
    if (isKept) controller.close();
    await turn();
    expect(body.bytes?.byteLength).toBe(isKept ? size : undefined);
    expect(cancel).toHaveBeenCalledTimes(isKept ? 0 : 1);
  });

  it('whose stream fails has none, and nothing else comes of it', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const { stream, controller } = openStream();
    const body = new CapturedBody(stream);
    controller.error(new Error('a fault of the stream'));
    await turn();
    body.release();
    await turn();
    process.off('unhandledRejection', unhandled);
    expect(body.bytes).toBeUndefined();
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('that is released lets go of its bytes, and of a stream that goes on', async () => {
    const whole = openStream();
    const body = new CapturedBody(whole.stream);
    whole.controller.close();
    await expect.poll(() => body.bytes).toBeDefined();
    body.release();
    expect(body.bytes).toBeUndefined();

    const unfinished = openStream();
    new CapturedBody(unfinished.stream).release();
    await turn();
    expect(unfinished.cancel).toHaveBeenCalledTimes(1);
  });
});
