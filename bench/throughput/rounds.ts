/** Clients that are measured. */
export const CLIENT_NAMES = ['undici', 'fetch', 'axios', 'got'] as const;

export type ClientName = (typeof CLIENT_NAMES)[number];

export interface Round {
  readonly perSecond: number;
  readonly cpuMicroseconds: number;
}

/** Neighbours in time. */
export interface Rounds {
  readonly bare: Round;
  readonly wrapped: Round;
}
