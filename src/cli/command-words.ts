import type { OptionName } from './commands.js';

/** Names of the library's options on the command line. */
const WORDS: Readonly<Record<string, `--${OptionName}` | 'argument'>> = {
  path: 'argument',
  audience: '--audience',
  issuer: '--issuer',
  subject: '--subject',
  apiServer: '--api-server',
  ca: '--ca',
  bearer: '--bearer',
  readyTimeoutMs: '--timeout',
};

/** Returns a message of the library with the options of the command line: `--audience` for `the option "audience"`. */
export function inCommandWords(message: string): string {
  return message.replace(/\b([Tt]he )?option "(\w+)"/g, (whole, article: string | undefined, option: string) => {
    const word = WORDS[option];
    if (word === undefined) return whole;
    return word === 'argument' ? `${article ?? ''}argument` : word;
  });
}
