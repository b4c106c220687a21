import { version } from '../../package.json';
import { isProjectedTokenError } from '../internal/is-projected-token-error.js';
import { printable } from '../internal/printable.js';
import { parseArguments, UsageError } from './arguments.js';
import { HELP, USAGE } from './help.js';
import { inspectToken } from './inspect.js';
import type { Terminal } from './terminal.js';
import { waitForToken } from './wait.js';
import { watchToken } from './watch.js';

/** Runs the command line; resolves with the exit code: 0 all is well, 1 it is not, 2 the command line is wrong. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const command = parseArguments(args);
    switch (command.name) {
      case 'help':
        terminal.stdout.write(HELP);
        return 0;
      case 'version':
        terminal.stdout.write(`${version}\n`);
        return 0;
      case 'inspect':
        return await inspectToken(command, terminal);
      case 'watch':
        return await watchToken(command, terminal);
      case 'wait':
        return await waitForToken(command, terminal);
    }
  } catch (error) {
    const isInvalidOption = isProjectedTokenError(error) && error.code === 'ERR_TOKEN_OPTION';
    if (!(isInvalidOption || error instanceof UsageError)) throw error;
    terminal.stderr.write(`projected-token: ${printable(error.message)}\n${USAGE}\nTry: projected-token --help\n`);
    return 2;
  }
}
