import type { Dispatcher } from 'undici';
import type { TokenCarriage, TokenJourney } from '../carry/token-carriage.js';

/**
 * Tells which dispatches are hops of one journey. Only the handler of undici's redirect interceptor shows it: it is the same at
 * each hop, and known by the history that it keeps. Every other dispatch is a journey of its own.
 */
export class DispatchJourneys {
  readonly #underWay = new WeakMap<Dispatcher.DispatchHandler, TokenJourney>();

  constructor(private readonly carriage: TokenCarriage) {}

  of(handler: Dispatcher.DispatchHandler): TokenJourney {
    if (!Array.isArray((handler as { history?: unknown } | undefined)?.history)) return this.carriage.begin();
    const journey = this.#underWay.get(handler) ?? this.carriage.begin();
    this.#underWay.set(handler, journey);
    return journey;
  }
}
