import type { Scenario } from './scenario.js';

/** Returns whether the program sets the header itself that carries the token. */
export function hasOwnHeader({ headers, carrier }: Pick<Scenario, 'headers' | 'carrier'>): boolean {
  if (headers?.form === 'text' || headers?.form === 'numbers') return false;
  return headers?.entries.some(([own]) => String(own).toLowerCase() === carrier.toLowerCase()) ?? false;
}
