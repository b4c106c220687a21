/** What is shown in the place of every token. */
export const TOKEN_SHOWN = '[token]';

/** A header that carries a token. Made once for a token, and used for all requests with it. */
export class SecretHeader {
  /** The value as a program gets to see it. */
  readonly shown: string;
  /** The line of the head of a request, with what comes before it and after it. */
  readonly line: string;
  readonly shownLine: string;

  /**
   * @param name - as it is sent
   * @param value - with the token in it
   */
  constructor(
    readonly name: string,
    readonly value: string,
    readonly token: string,
  ) {
    this.shown = value.replace(token, () => TOKEN_SHOWN);
    this.line = `\r\n${name}: ${value}\r\n`;
    this.shownLine = `\r\n${name}: ${this.shown}\r\n`;
  }
}
