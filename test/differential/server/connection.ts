import type { Socket } from 'node:net';

/** A connection that a client has made to one of the servers. */
export interface Connection {
  /** Gives and takes what is sent, without its encryption. */
  readonly socket: Socket;
  /** Where it was made to. */
  readonly at: string;
  /** Breaks it off, by a reset of TCP. */
  reset(): void;
}
