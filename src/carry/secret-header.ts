/** A header that carries a token. */
export interface SecretHeader {
  /** As it is sent. */
  readonly name: string;
  /** With the token in it. */
  readonly value: string;
  readonly token: string;
}

/** What is shown in the place of every token. */
export const TOKEN_SHOWN = '[token]';

/** The value of the header as a program gets to see it. */
export function shownInsteadOf({ value, token }: SecretHeader): string {
  return value.replace(token, () => TOKEN_SHOWN);
}
