import type { ProjectedTokenError } from '../errors.js';
import { inCommandWords } from './command-words.js';

/** Something about a token that a person should know. */
export interface Finding {
  /** `error`: the token cannot be used. `warning`: it can, for now. */
  readonly severity: 'error' | 'warning';
  readonly code: string;
  /** What is wrong, and what to do about it. */
  readonly message: string;
}

/** Returns what an error of the library says, in the words of the command line. */
export function findingOf({ code, message }: ProjectedTokenError): Finding {
  return { severity: 'error', code, message: inCommandWords(message) };
}
