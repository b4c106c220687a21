import { EventEmitter } from 'eventemitter3';
import { ListenerError } from '../errors.js';
import { isThenable } from './is-thenable.js';

type Listener = (...args: never[]) => unknown;

/**
 * An event emitter whose listeners cannot break what emits, nor each other: the error of one that throws, or whose promise
 * rejects, is emitted as `error`, and becomes a process warning where nobody listens to that.
 */
export class GuardedEmitter<Events extends object> extends EventEmitter<Events> {
  /** By listener, what was added in its place to each event. */
  readonly #guards = new WeakMap<Listener, Map<unknown, Listener>>();

  override on<Name extends EventEmitter.EventNames<Events>>(
    event: Name,
    listener: EventEmitter.EventListener<Events, Name>,
    context?: unknown,
  ): this {
    return super.on(event, this.#guard(event, listener), context);
  }

  override once<Name extends EventEmitter.EventNames<Events>>(
    event: Name,
    listener: EventEmitter.EventListener<Events, Name>,
    context?: unknown,
  ): this {
    return super.once(event, this.#guard(event, listener), context);
  }

  override addListener<Name extends EventEmitter.EventNames<Events>>(
    event: Name,
    listener: EventEmitter.EventListener<Events, Name>,
    context?: unknown,
  ): this {
    return this.on(event, listener, context);
  }

  override off<Name extends EventEmitter.EventNames<Events>>(
    event: Name,
    listener?: EventEmitter.EventListener<Events, Name>,
    context?: unknown,
    once?: boolean,
  ): this {
    const guard = listener && this.#guards.get(listener as Listener)?.get(event);
    return super.off(event, (guard as typeof listener) ?? listener, context, once);
  }

  override removeListener<Name extends EventEmitter.EventNames<Events>>(
    event: Name,
    listener?: EventEmitter.EventListener<Events, Name>,
    context?: unknown,
    once?: boolean,
  ): this {
    return this.off(event, listener, context, once);
  }

  #guard<L>(event: unknown, listener: L): L {
    // The emitter itself reports what is no function.
    if (typeof listener !== 'function') return listener;
    const guards = this.#guards.get(listener as unknown as Listener) ?? new Map<unknown, Listener>();
    this.#guards.set(listener as unknown as Listener, guards);
    const known = guards.get(event);
    if (known !== undefined) return known as unknown as L;
    const report = (cause: unknown) => this.#report(String(event), cause);
    const guard = function (this: unknown, ...args: unknown[]) {
      try {
        const result: unknown = Reflect.apply(listener, this, args);
        if (isThenable(result)) result.then(undefined, report);
      } catch (error) {
        report(error);
      }
    };
    guards.set(event, guard);
    return guard as unknown as L;
  }

  #report(event: string, cause: unknown): void {
    const error = new ListenerError(event, { cause });
    const emit = this.emit as unknown as (name: 'error', error: Error) => boolean;
    if (event === 'error' || !emit.call(this, 'error', error)) process.emitWarning(error);
  }
}
