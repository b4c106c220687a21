/** Clients that are measured. */
export const CLIENT_NAMES = ['undici', 'fetch', 'axios', 'got'] as const;

export type ClientName = (typeof CLIENT_NAMES)[number];

/** What each process measures: so many rounds of this length, bare and wrapped in turns, with so many requests under way at any time. */
export const ROUNDS = 12;
export const ROUND_MS = 500;
export const CONCURRENCY = 16;

export interface Round {
  readonly perSecond: number;
  readonly cpuMicroseconds: number;
}

/** Neighbours in time. */
export interface Rounds {
  readonly bare: Round;
  readonly wrapped: Round;
}
