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
 * Calls the listener at SIGINT or SIGTERM. It stays registered: npx forwards the SIGINT of a terminal to a process that got it already,
 * and the second one would end the process without its exit code.
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
  /** `error`: the stream can no longer be written. */
  once(event: 'error', listener: () => void): unknown;
}

/** Colours a text, or leaves it as it is. */
export type Paint = (format: Parameters<typeof styleText>[0], text: string) => string;

/** Returns whether a line can be overwritten. */
export function canRedraw(output: Output, env: Terminal['env']): boolean {
  return Boolean(output.isTTY) && env.TERM !== 'dumb';
}

/** Returns colours for a terminal, and none for a pipe or with NO_COLOR (https://no-color.org). */
export function paintFor(output: Output, env: Terminal['env']): Paint {
  if (!canRedraw(output, env) || env.NO_COLOR) return (_format, text) => text;
  // Newer Node would check process.stdout itself.
  return (format, text) => styleText(format, text, { validateStream: false });
}

const DEFAULT_COLUMNS = 80;

/** Returns the width of a terminal, with the usual one as default. */
export function columnsOf(output: Output): number {
  return output.columns || DEFAULT_COLUMNS;
}

// Longer lines are hard to read.
const MAX_TEXT_COLUMNS = 100;

/**
 * Wraps a text between words to the width of the terminal, with an indentation of each line but the first. Without a terminal it stays one
 * line, for `grep`.
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

/** Returns JSON with every unprintable character escaped, also those that JSON itself allows. */
export function printableJson(value: unknown, indentation?: number): string {
  return JSON.stringify(value, undefined, indentation).replace(/[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu, escaped);
}

function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
