import { isProjectedTokenError } from '../internal/is-projected-token-error.js';
import { inCommandWords } from './command-words.js';
import type { CreateReport } from './report.js';
import { printableJson } from './terminal.js';

/** Prints a JSON object per line for each event, for programs. */
export const ndjsonReport: CreateReport = ({ stdout }, _provider, showToken) => ({
  tell(event, { current, previous, error }) {
    const line = {
      time: new Date(),
      event,
      current,
      previous,
      error: error && {
        code: isProjectedTokenError(error) ? error.code : undefined,
        message: inCommandWords(error.message),
      },
      value: showToken ? current?.value : undefined,
    };
    stdout.write(`${printableJson(line)}\n`);
  },
});
