import { onceAborted } from '../internal/abort.js';

/** Pause between two looks at whether work that does not return holds a thread: requests that do return take a few ms. */
const LOOK_AGAIN_MS = 100;

interface Turn {
  /** Aborts when the time of the work is up. */
  readonly signal: AbortSignal;
  begin(): void;
  /** Ends the wait for the turn. */
  giveUp(): void;
}

/**
 * Lets one piece of file work run at a time: a file operation on a mount that does not answer holds a thread of libuv's
 * pool (four by default, shared with DNS) until the mount answers, and a second operation would hold a second thread.
 *
 * Work whose time is up keeps the lane until its operation returns. Nobody waits for that: who waited is refused at that
 * moment, and who comes later at once.
 */
export class Lane {
  #occupant: Turn | undefined;
  readonly #waiting = new Set<Turn>();

  /** @param onIdle - is called whenever nothing runs and nobody waits any more */
  constructor(private readonly onIdle: () => void = () => {}) {}

  /**
   * Runs the work when it is its turn.
   *
   * @param work - must settle some time after its operations return, whatever the signal says
   * @param signal - aborts when the time of the work, the wait included, is up
   * @param toError - makes the error for a lane whose occupant does not return
   */
  enter<T>(work: () => Promise<T>, signal: AbortSignal, toError: () => Error): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      signal.throwIfAborted();
      const turn: Turn = {
        signal,
        begin: () => {
          this.#occupant = turn;
          const forget = onceAborted(signal, () => {
            this.#refuseWaiting();
            this.#freeIfLost(turn);
          });
          const leave = () => {
            forget();
            this.#leave(turn);
          };
          // Left first: who goes on with the outcome finds the lane free.
          (async () => work())().then(
            (value) => {
              leave();
              resolve(value);
            },
            (error) => {
              leave();
              reject(error);
            },
          );
        },
        giveUp: () => reject(toError()),
      };
      if (this.#occupant === undefined) turn.begin();
      else if (this.#occupant.signal.aborted) turn.giveUp();
      else this.#wait(turn);
    });
  }

  #wait(turn: Turn): void {
    const forget = onceAborted(turn.signal, () => this.#waiting.delete(waiting));
    const waiting: Turn = {
      ...turn,
      begin: () => {
        forget();
        turn.begin();
      },
      giveUp: () => {
        forget();
        turn.giveUp();
      },
    };
    this.#waiting.add(waiting);
  }

  #leave(turn: Turn): void {
    // One that was lost has been followed by another.
    if (this.#occupant !== turn) return;
    this.#occupant = undefined;
    const [next] = this.#waiting;
    if (next === undefined) {
      this.onIdle();
    } else {
      this.#waiting.delete(next);
      next.begin();
    }
  }

  /**
   * Frees the lane of work that holds no thread: a file system of the program's own may lose an operation for good. Its
   * request would be among those of the process all the time, so one look that finds none is enough.
   */
  #freeIfLost(turn: Turn): void {
    if (this.#occupant !== turn) return;
    if (isFileRequestUnderWay()) setTimeout(() => this.#freeIfLost(turn), LOOK_AGAIN_MS).unref();
    else this.#leave(turn);
  }

  #refuseWaiting(): void {
    for (const turn of this.#waiting) {
      this.#waiting.delete(turn);
      turn.giveUp();
    }
  }
}

/** Of this process, other work's included: Node does not tell whose a request is. */
function isFileRequestUnderWay(): boolean {
  return process.getActiveResourcesInfo?.().some((resource) => resource.startsWith('FSReq')) ?? true;
}
