import { afterEach, describe, expect, it, vi } from 'vitest';
import { Lane } from '../../src/volume/lane.js';
import { Gate } from '../helpers/gate.js';
import { turn } from '../helpers/turn.js';

const silent = () => new Error('does not answer');
const never = new AbortController().signal;

/** Work that begins when it is its turn, and ends when the test says so. */
class Work {
  readonly gate = new Gate<string>();
  readonly begin = vi.fn(() => this.gate.opened);

  readonly ending = new AbortController();
  readonly outcome: Promise<string>;

  constructor(lane: Lane) {
    this.outcome = lane.enter(this.begin, this.ending.signal, silent);
    // A test that wants to know of its end asks for it.
    this.outcome.catch(() => {});
  }
}

const work = (lane: Lane) => new Work(lane);

describe('a lane', () => {
  it('lets one piece of work run at a time, in the order in which they came', async () => {
    const lane = new Lane();
    const [first, second, third] = [work(lane), work(lane), work(lane)];
    await turn();
    expect([first, second, third].map(({ begin }) => begin.mock.calls.length)).toEqual([1, 0, 0]);
    first.gate.open('one');
    expect(await first.outcome).toBe('one');
    await turn();
    expect([second, third].map(({ begin }) => begin.mock.calls.length)).toEqual([1, 0]);
    second.gate.open('two');
    third.gate.open('three');
    expect(await third.outcome).toBe('three');
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('EIO'))],
    [
      'throws at once',
      () => {
        throw new Error('EIO');
      },
    ],
  ])('is left by work that %s', async (_, fail) => {
    const lane = new Lane();
    await expect(lane.enter(fail, never, silent)).rejects.toThrow('EIO');
    expect(await lane.enter(async () => 'next', never, silent)).toBe('next');
  });

  it('tells when nothing runs and nobody waits any more', async () => {
    const onIdle = vi.fn();
    const lane = new Lane(onIdle);
    const [first, second] = [work(lane), work(lane)];
    first.gate.open('');
    await first.outcome;
    expect(onIdle).not.toHaveBeenCalled();
    second.gate.open('');
    await second.outcome;
    expect(onIdle).toHaveBeenCalledTimes(1);
  });

  it('begins nothing for who has no time left', async () => {
    const begin = vi.fn();
    await expect(new Lane().enter(begin, AbortSignal.abort(new Error('too late')), silent)).rejects.toThrow('too late');
    expect(begin).not.toHaveBeenCalled();
  });

  it('is not waited for by who has no time left any more', async () => {
    const lane = new Lane();
    const [first, second, third] = [work(lane), work(lane), work(lane)];
    second.ending.abort();
    first.gate.open('');
    third.gate.open('three');
    expect(await third.outcome).toBe('three');
    expect(second.begin).not.toHaveBeenCalled();
  });
});

describe('a lane whose work does not return in time', () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  /** As a file operation of this process that holds a thread. */
  const holdThread = () => vi.spyOn(process, 'getActiveResourcesInfo').mockReturnValue(['FSReqPromise']);

  it('refuses who waits at that moment, and who comes later at once', async () => {
    holdThread();
    const lane = new Lane();
    const [stuck, waiting] = [work(lane), work(lane)];
    stuck.ending.abort();
    await expect(waiting.outcome).rejects.toThrow('does not answer');
    const later = work(lane);
    await expect(later.outcome).rejects.toThrow('does not answer');
    for (const { begin } of [waiting, later]) expect(begin).not.toHaveBeenCalled();
  });

  it('is free when it returns, and nothing of the wait is made up for', async () => {
    holdThread();
    const lane = new Lane();
    const [stuck, waiting] = [work(lane), work(lane)];
    stuck.ending.abort();
    stuck.gate.open('late');
    await turn();
    expect(waiting.begin).not.toHaveBeenCalled();
    expect(await lane.enter(async () => 'next', never, silent)).toBe('next');
  });

  it('is free as soon as no thread can be held, also if other file work was under way at first', async () => {
    vi.useFakeTimers();
    const requests = holdThread();
    const lane = new Lane();
    work(lane).ending.abort();
    await expect(work(lane).outcome).rejects.toThrow('does not answer');
    requests.mockReturnValue(['Timeout']);
    vi.advanceTimersByTime(100);
    expect(await lane.enter(async () => 'next', never, silent)).toBe('next');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is entered beside it where no thread can be held: a file system of the program has lost the work', async () => {
    vi.spyOn(process, 'getActiveResourcesInfo').mockReturnValue(['Timeout']);
    const lane = new Lane();
    const lost = work(lane);
    lost.ending.abort();
    const [next, waiting] = [work(lane), work(lane)];
    await turn();
    expect(next.begin).toHaveBeenCalled();
    // What comes back after all does not free the lane for a second one.
    lost.gate.open('late');
    await turn();
    expect(waiting.begin).not.toHaveBeenCalled();
    next.gate.open('next');
    waiting.gate.open('waiting');
    expect(await waiting.outcome).toBe('waiting');
  });
});
