import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { withDeadline } from '../../src/internal/deadline.js';

const TOO_LATE = new Error('too late');
const never = () => new Promise<never>(() => {});
const deadline = (signal?: AbortSignal) => ({ timeoutMs: 1000, toError: () => TOO_LATE, signal });

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('withDeadline', () => {
  it('resolves with what the work gives, and leaves no timer', async () => {
    await expect(withDeadline(async () => 'done', deadline())).resolves.toBe('done');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('rejects as the work does, and leaves no timer', async () => {
    const failed = new Error('failed');
    const work = () => Promise.reject(failed);
    await expect(withDeadline(work, deadline())).rejects.toBe(failed);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('rejects when work that never settles is out of time, and aborts its signal', async () => {
    let workSignal: AbortSignal | undefined;
    const result = withDeadline((signal) => {
      workSignal = signal;
      return never();
    }, deadline());
    const rejection = expect(result).rejects.toBe(TOO_LATE);
    await vi.advanceTimersByTimeAsync(999);
    expect(workSignal?.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await rejection;
    expect(workSignal?.reason).toBe(TOO_LATE);
  });

  it("rejects with the reason of the caller's signal, and lets go of it", async () => {
    const caller = new AbortController();
    const result = withDeadline(never, deadline(caller.signal));
    const reason = new Error('the caller left');
    caller.abort(reason);
    await expect(result).rejects.toBe(reason);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not begin for a signal that has aborted', async () => {
    const work = vi.fn(never);
    await expect(withDeadline(work, deadline(AbortSignal.abort(TOO_LATE)))).rejects.toBe(TOO_LATE);
    expect(work).not.toHaveBeenCalled();
  });

  it('looks at what came while the process stood still before the time is up', async () => {
    vi.useRealTimers();
    const work = async () => {
      const here = fileURLToPath(import.meta.url);
      // Each step takes a turn of the event loop of its own.
      for (let step = 0; step < 10; step++) await readFile(here);
      return 'done';
    };
    const result = withDeadline(work, { ...deadline(), timeoutMs: 500 });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600);
    await expect(result).resolves.toBe('done');
  });
});
