import { styleText } from 'node:util';

/** The part of `process` that commands use. */
export interface Terminal {
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  on(event: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
}

/**
 * Calls the listener when the person or the system wants the program to end. It stays: npx passes the SIGINT of a terminal on to a
 * process that got it already, and the second one would end the process before it has told its exit code.
 */
export function onInterrupt(terminal: Pick<Terminal, 'on'>, listener: () => void): void {
  terminal.on('SIGINT', listener);
  terminal.on('SIGTERM', listener);
}

/** A stream for a person or a pipe. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
  /** `error`: nobody can be told anything there any more. */
  once(event: 'error', listener: () => void): unknown;
}

/** Colours a text, or leaves it as it is. */
export type Paint = (format: Parameters<typeof styleText>[0], text: string) => string;

/** Whether a line can be written over there. */
export function canRedraw(output: Output, env: Terminal['env']): boolean {
  return Boolean(output.isTTY) && env.TERM !== 'dumb';
}

/** Colours for a terminal only, and none where the person asks for none (https://no-color.org). */
export function paintFor(output: Output, env: Terminal['env']): Paint {
  if (!canRedraw(output, env) || env.NO_COLOR) return (_format, text) => text;
  // Newer lines of Node would look at process.stdout and decide anew.
  return (format, text) => styleText(format, text, { validateStream: false });
}

const DEFAULT_COLUMNS = 80;

/** Width of a terminal; of one that does not tell, the usual. */
export function columnsOf(output: Output): number {
  return output.columns || DEFAULT_COLUMNS;
}

// Longer lines are hard to read.
const MAX_TEXT_COLUMNS = 100;

/**
 * Breaks a text between words, so that it fits the terminal after an indentation that each line but the first gets. What is no
 * terminal gets it in one line, for `grep`.
 */
export function wrap(text: string, output: Output, indentation: number): string {
  if (!output.isTTY) return text;
  const room = Math.min(columnsOf(output), MAX_TEXT_COLUMNS) - indentation;
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= room) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines.join(`\n${' '.repeat(indentation)}`);
}

/** JSON without characters that are not printable: those that JSON itself lets pass are escaped, too. */
export function printableJson(value: unknown, indentation?: number): string {
  return JSON.stringify(value, undefined, indentation).replace(/[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu, escaped);
}

function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
