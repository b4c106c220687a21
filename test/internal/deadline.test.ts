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

  it('gives what came while the process stood still a moment to be looked at', async () => {
    let finish: ((value: string) => void) | undefined;
    const result = withDeadline(() => new Promise<string>((resolve) => (finish = resolve)), deadline());
    // Timers are an hour late, as in a process that was suspended.
    const now = performance.now();
    vi.spyOn(performance, 'now').mockImplementation(() => now + 3_600_000);
    await vi.advanceTimersByTimeAsync(1000);
    finish?.('it was there');
    await expect(result).resolves.toBe('it was there');
  });

  it('waits for that moment only once', async () => {
    const result = withDeadline(never, deadline());
    const rejection = expect(result).rejects.toBe(TOO_LATE);
    const now = performance.now();
    vi.spyOn(performance, 'now').mockImplementation(() => now + 3_600_000);
    await vi.advanceTimersByTimeAsync(2000);
    await rejection;
  });
});
