import { ListenerError } from 'projected-token';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { GuardedEmitter } from '../../src/internal/guarded-emitter.js';
import { inOtherRealm } from '../helpers/other-realm.js';

interface Events {
  changed: (what: string) => void;
  error: (error: Error) => void;
}

type Adding = 'on' | 'once' | 'addListener';
type Removing = 'off' | 'removeListener';

const MISTAKE = new Error('a mistake of the program');
const throwing = () => {
  throw MISTAKE;
};
const rejecting = async () => {
  throw MISTAKE;
};

let emitter: GuardedEmitter<Events>;

beforeEach(() => {
  emitter = new GuardedEmitter();
});

/** The next warning of the process. */
const warning = () => new Promise<Error>((resolve) => process.once('warning', resolve));

describe.each<Adding>(['on', 'once', 'addListener'])('a listener added by %s', (add) => {
  it('is called with what was emitted, and its context', () => {
    const heard: unknown[] = [];
    const context = {};
    emitter[add](
      'changed',
      function (this: unknown, what) {
        heard.push([this, what]);
      },
      context,
    );
    expect(emitter.emit('changed', 'a')).toBe(true);
    expect(heard).toEqual([[context, 'a']]);
    expect((heard[0] as unknown[])[0]).toBe(context);
  });

  it.each([
    ['throws', throwing],
    ['rejects', rejecting],
    ['rejects in another realm', () => inOtherRealm<typeof Promise>('Promise').reject(MISTAKE)],
  ])('that %s breaks neither the emitter nor the listeners after it, and is told as an error', async (_, listener) => {
    const errors: Error[] = [];
    const told = new Promise<void>((resolve) => {
      emitter.on('error', (error) => {
        errors.push(error);
        resolve();
      });
    });
    const heard = vi.fn();
    emitter[add]('changed', listener);
    emitter.on('changed', heard);
    expect(emitter.emit('changed', 'a')).toBe(true);
    expect(heard).toHaveBeenCalledWith('a');
    await told;
    expect(errors).toHaveLength(1);
    expect(errors[0]).toBeInstanceOf(ListenerError);
    expect(errors[0]).toMatchObject({ code: 'ERR_TOKEN_LISTENER', event: 'changed', cause: MISTAKE });
  });

  it('that throws becomes a warning where nobody listens to errors', async () => {
    const warned = warning();
    emitter[add]('changed', throwing);
    emitter.emit('changed', 'a');
    expect(await warned).toMatchObject({ code: 'ERR_TOKEN_LISTENER', event: 'changed', cause: MISTAKE });
  });

  it.each<Removing>(['off', 'removeListener'])('is removed by %s', (remove) => {
    const listener = vi.fn();
    const other = vi.fn();
    emitter[add]('changed', listener);
    emitter.on('changed', other);
    emitter[remove]('changed', listener);
    emitter.emit('changed', 'a');
    expect(listener).not.toHaveBeenCalled();
    expect(other).toHaveBeenCalledTimes(1);
  });

  it('is called for as long as it should be', () => {
    const listener = vi.fn();
    emitter[add]('changed', listener);
    emitter.emit('changed', 'a');
    emitter.emit('changed', 'b');
    expect(listener).toHaveBeenCalledTimes(add === 'once' ? 1 : 2);
  });

  it('is refused when it is no function', () => {
    expect(() => emitter[add]('changed', 'text' as never)).toThrow('The listener must be a function');
  });

  it('gives the emitter, to go on', () => {
    expect(emitter[add]('changed', () => {})).toBe(emitter);
  });
});

describe('a listener', () => {
  it('of errors that throws becomes a warning, and is not told to itself', async () => {
    const warned = warning();
    const listener = vi.fn(throwing);
    emitter.on('error', listener);
    emitter.emit('error', new Error('first'));
    expect(await warned).toMatchObject({ code: 'ERR_TOKEN_LISTENER', event: 'error' });
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it('added to two events is removed from one', () => {
    const listener = vi.fn();
    emitter.on('changed', listener);
    emitter.on('error', listener);
    emitter.off('changed', listener);
    emitter.emit('changed', 'a');
    expect(listener).not.toHaveBeenCalled();
    emitter.emit('error', MISTAKE);
    expect(listener).toHaveBeenCalledWith(MISTAKE);
  });

  it('added to two events is told with the one that it failed at', () => {
    const told: Error[] = [];
    const listener = vi.fn(throwing);
    emitter.once('error', listener);
    emitter.on('changed', listener);
    emitter.off('error', listener);
    emitter.on('error', (error) => told.push(error));
    emitter.emit('changed', 'a');
    expect(told).toEqual([expect.objectContaining({ event: 'changed', cause: MISTAKE })]);
  });

  it('added twice is called twice, and removed at once', () => {
    const listener = vi.fn();
    emitter.on('changed', listener).on('changed', listener);
    emitter.emit('changed', 'a');
    expect(listener).toHaveBeenCalledTimes(2);
    emitter.off('changed', listener);
    emitter.emit('changed', 'b');
    expect(listener).toHaveBeenCalledTimes(2);
  });

  it('that was never added may be removed', () => {
    const listener = vi.fn();
    emitter.on('changed', listener);
    emitter.off('changed', () => {});
    emitter.emit('changed', 'a');
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it('is removed with all others when none is named', () => {
    const listener = vi.fn();
    emitter.on('changed', listener).on('error', listener);
    emitter.off('changed');
    expect(emitter.eventNames()).toEqual(['error']);
  });

  it('added for ever stays when only those for once are removed', () => {
    const listener = vi.fn();
    emitter.on('changed', listener);
    emitter.off('changed', listener, undefined, true);
    emitter.emit('changed', 'a');
    expect(listener).toHaveBeenCalledTimes(1);
    emitter.removeListener('changed', listener, { other: 'context' });
    emitter.emit('changed', 'b');
    expect(listener).toHaveBeenCalledTimes(2);
  });
});
