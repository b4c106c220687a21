import { getEventListeners } from 'node:events';
import { TokenAbortedError } from 'projected-token';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { abortable, onceAborted, raceAbort, throwIfAborted } from '../../src/internal/abort.js';
import { thrownBy } from '../helpers/thrown-by.js';
import { turn } from '../helpers/turn.js';

const REASON = new Error('the user went away');
const FAILURE = new Error('no token');

let controller: AbortController;
let signal: AbortSignal;

beforeEach(() => {
  controller = new AbortController();
  signal = controller.signal;
});

const listeners = () => getEventListeners(signal, 'abort').length;
const never = () => new Promise<never>(() => {});

describe('throwIfAborted', () => {
  it.each([undefined, new AbortController().signal])('does nothing while nothing was aborted (%o)', (signal) => {
    expect(() => throwIfAborted(signal, 'the wait')).not.toThrow();
  });

  it('throws what the platform calls an AbortError, with the reason as its cause', () => {
    const error = thrownBy(() => throwIfAborted(AbortSignal.abort(REASON), 'the wait'));
    expect(error).toBeInstanceOf(TokenAbortedError);
    expect(error).toMatchObject({ name: 'AbortError', code: 'ERR_TOKEN_ABORTED', cause: REASON });
    expect(error.message).toBe("The caller's signal aborted the wait.");
  });
});

const WAITS: [string, (work: Promise<string>) => Promise<string>][] = [
  ['abortable', (work) => abortable(work, signal, 'the wait')],
  ['raceAbort', (work) => raceAbort(work, signal, () => REASON)],
];

describe.each(WAITS)('%s', (name, wait) => {
  const expected =
    name === 'raceAbort' ? REASON : expect.objectContaining({ code: 'ERR_TOKEN_ABORTED', cause: REASON });

  it('gives what the work gives, and holds nothing of it', async () => {
    await expect(wait(Promise.resolve('token'))).resolves.toBe('token');
    await expect(wait(Promise.reject(FAILURE))).rejects.toBe(FAILURE);
    expect(listeners()).toBe(0);
  });

  it('ends when the signal aborts', async () => {
    const waiting = wait(never());
    expect(listeners()).toBe(1);
    controller.abort(REASON);
    await expect(waiting).rejects.toEqual(expected);
    expect(listeners()).toBe(0);
  });

  it('does not begin when the signal has aborted, even if the work is done', async () => {
    controller.abort(REASON);
    await expect(wait(Promise.resolve('token'))).rejects.toEqual(expected);
    expect(listeners()).toBe(0);
  });

  it('leaves no rejection unhandled, neither of the wait nor of the work', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    let fail = (_: Error) => {};
    const work = new Promise<string>((_, reject) => {
      fail = reject;
    });
    const waiting = wait(work);
    controller.abort(REASON);
    await expect(waiting).rejects.toEqual(expected);
    fail(FAILURE);
    await wait(Promise.resolve('')).catch(() => {});
    // An unhandled rejection is told in a later turn.
    await turn();
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('has one listener at the signal however many wait, and none when all have ended', async () => {
    const warned = vi.fn();
    process.on('warning', warned);
    const ends: ((token: string) => void)[] = [];
    const waits = Array.from({ length: 100 }, () => wait(new Promise((resolve) => ends.push(resolve))));
    expect(listeners()).toBe(1);
    for (const end of ends.slice(0, 99)) end('token');
    await Promise.all(waits.slice(0, 99));
    expect(listeners()).toBe(1);
    controller.abort(REASON);
    await expect(waits[99]).rejects.toEqual(expected);
    expect(listeners()).toBe(0);
    await turn();
    process.off('warning', warned);
    expect(warned).not.toHaveBeenCalled();
  });
});

describe('abortable', () => {
  it('without a signal is the work itself', () => {
    const work = Promise.resolve('token');
    expect(abortable(work, undefined, 'the wait')).toBe(work);
  });
});

describe('onceAborted', () => {
  it('calls back once, when the signal aborts', () => {
    const callback = vi.fn();
    onceAborted(signal, callback);
    expect(callback).not.toHaveBeenCalled();
    controller.abort();
    controller.abort();
    expect(callback).toHaveBeenCalledTimes(1);
  });

  it('calls back at once when the signal has aborted', () => {
    const callback = vi.fn();
    const takeBack = onceAborted(AbortSignal.abort(), callback);
    expect(callback).toHaveBeenCalledTimes(1);
    expect(takeBack).not.toThrow();
  });

  it('can be taken back, and only that', () => {
    const [taken, kept] = [vi.fn(), vi.fn()];
    const takeBack = onceAborted(signal, taken);
    onceAborted(signal, kept);
    takeBack();
    takeBack();
    expect(listeners()).toBe(1);
    controller.abort();
    expect(taken).not.toHaveBeenCalled();
    expect(kept).toHaveBeenCalledTimes(1);
  });

  it('can be taken back to the last, and begin anew', () => {
    const callback = vi.fn();
    onceAborted(signal, callback)();
    expect(listeners()).toBe(0);
    onceAborted(signal, callback);
    expect(listeners()).toBe(1);
    controller.abort();
    expect(callback).toHaveBeenCalledTimes(1);
  });

  it('once taken back, does not take back what began later', () => {
    const [second, third] = [vi.fn(), vi.fn()];
    const takeBack = onceAborted(signal, () => {});
    takeBack();
    onceAborted(signal, second);
    takeBack();
    onceAborted(signal, third);
    expect(listeners()).toBe(1);
    controller.abort();
    expect(second).toHaveBeenCalledTimes(1);
    expect(third).toHaveBeenCalledTimes(1);
  });

  it('tells signals apart', () => {
    const [here, there] = [vi.fn(), vi.fn()];
    onceAborted(signal, here);
    onceAborted(new AbortController().signal, there);
    controller.abort();
    expect(here).toHaveBeenCalledTimes(1);
    expect(there).not.toHaveBeenCalled();
  });

  it('may take others back while it calls back', () => {
    const later = vi.fn();
    onceAborted(signal, () => takeLaterBack());
    const takeLaterBack = onceAborted(signal, later);
    controller.abort();
    expect(later).not.toHaveBeenCalled();
    expect(listeners()).toBe(0);
  });
});
