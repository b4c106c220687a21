import { describe, expect, it } from 'vitest';
import { settleWithSignal } from '../../src/carry/settle-with-signal.js';

const REASON = new Error('the user went away');
const FAILURE = new Error('no token');
const never = () => new Promise<never>(() => {});

describe('settleWithSignal', () => {
  it.each([undefined, new AbortController().signal])('gives what the work gives (signal: %o)', async (signal) => {
    await expect(settleWithSignal(Promise.resolve('token'), signal)).resolves.toBe('token');
    await expect(settleWithSignal(Promise.reject(FAILURE), signal)).rejects.toBe(FAILURE);
  });

  it('rejects with the reason of the signal when that aborts first', async () => {
    const controller = new AbortController();
    const settled = settleWithSignal(never(), controller.signal);
    controller.abort(REASON);
    await expect(settled).rejects.toBe(REASON);
  });

  it('rejects with the reason of a signal that has aborted', async () => {
    await expect(settleWithSignal(never(), AbortSignal.abort(REASON))).rejects.toBe(REASON);
  });

  it('rejects with the reason, whatever it is', async () => {
    await expect(settleWithSignal(never(), AbortSignal.abort('just text'))).rejects.toBe('just text');
    await expect(settleWithSignal(never(), AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('rejects with an abort error where a signal has no reasons, as those of old polyfills', async () => {
    const signal = Object.assign(new EventTarget(), { aborted: false }) as unknown as AbortSignal;
    const settled = settleWithSignal(never(), signal);
    Object.assign(signal, { aborted: true }).dispatchEvent(new Event('abort'));
    await expect(settled).rejects.toMatchObject({ name: 'AbortError' });
    await expect(settleWithSignal(never(), signal)).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('rejects with the reason also when the source tells of the abort in its own words', async () => {
    const controller = new AbortController();
    const source = new Promise<never>((_, reject) => {
      controller.signal.addEventListener('abort', () => reject(FAILURE));
    });
    const settled = settleWithSignal(source, controller.signal);
    controller.abort(REASON);
    await expect(settled).rejects.toBe(REASON);
  });

  it('tells the failure that came before the abort', async () => {
    const controller = new AbortController();
    const settled = settleWithSignal(Promise.reject(FAILURE), controller.signal);
    await expect(settled).rejects.toBe(FAILURE);
    controller.abort(REASON);
    await expect(settled).rejects.toBe(FAILURE);
  });
});
