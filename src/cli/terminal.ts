import { styleText } from 'node:util';

/** The part of `process` that commands use. */
export interface Terminal {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  once(event: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  off(event: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
}

/** A stream for a person or a pipe. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Colours a text, or leaves it as it is. */
export type Paint = (format: Parameters<typeof styleText>[0], text: string) => string;

/** Colours for a terminal only, and none where the person asks for none (https://no-color.org). */
export function paintFor(output: Output, env: Terminal['env']): Paint {
  const isPlain = !output.isTTY || Boolean(env.NO_COLOR) || env.TERM === 'dumb';
  return isPlain ? (_format, text) => text : (format, text) => styleText(format, text);
}

/**
 * A claim or a path is somebody else's text: what is no printable character in it must not reach the terminal, where it
 * could move the cursor or rewrite what is shown.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{fffd}');
}
