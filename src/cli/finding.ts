import type { ProjectedTokenError } from '../errors.js';
import { inCommandWords } from './command-words.js';

/** A problem of a token. */
export interface Finding {
  /** `error`: the token is unusable. `warning`: it is usable for now. */
  readonly severity: 'error' | 'warning';
  readonly code: string;
  /** What is wrong, and how to fix it. */
  readonly message: string;
}

/** Returns an error of the library as a finding, in the words of the command line. */
export function findingOf({ code, message }: ProjectedTokenError): Finding {
  return { severity: 'error', code, message: inCommandWords(message) };
}
