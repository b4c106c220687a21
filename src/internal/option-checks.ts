import { InvalidOptionError } from '../errors.js';

/** The longest delay that setTimeout takes. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** A number between two bounds, or the default; throws `ERR_TOKEN_OPTION`. */
export function numberIn(
  option: string,
  value: number | undefined,
  fallback: number,
  min: number,
  max: number,
): number {
  if (value === undefined) return fallback;
  if (typeof value !== 'number' || !(value >= min && value <= max)) {
    throw new InvalidOptionError(option, `The option "${option}" must be a number from ${min} to ${max}.`);
  }
  return value;
}

/** A text that is not empty; throws `ERR_TOKEN_OPTION`. */
export function requiredText(option: string, value: unknown, what: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new InvalidOptionError(option, `The option "${option}" must be ${what}.`);
}
