import { isProjectedTokenError } from '../internal/is-projected-token-error.js';
import { printable } from '../internal/printable.js';
import { VERSION } from '../internal/version.js';
import { parseArguments, UsageError } from './arguments.js';
import { inCommandWords } from './command-words.js';
import { completionScript } from './completion.js';
import { generalHelp, helpOf, USAGE, usageOf } from './help.js';
import { inspectToken } from './inspect.js';
import type { Terminal } from './terminal.js';
import { waitForToken } from './wait.js';
import { watchToken } from './watch.js';

/** Runs the command line; resolves with the exit code: 0 success, 1 failure, 2 invalid command line. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const command = parseArguments(args);
    switch (command.name) {
      case 'help':
        terminal.stdout.write(command.about === undefined ? generalHelp() : helpOf(command.about));
        return 0;
      case 'version':
        terminal.stdout.write(`${VERSION}\n`);
        return 0;
      case 'inspect':
        return await inspectToken(command, terminal);
      case 'watch':
        return await watchToken(command, terminal);
      case 'wait':
        return await waitForToken(command, terminal);
      case 'completion':
        terminal.stdout.write(completionScript(command.shell));
        return 0;
    }
  } catch (error) {
    const isInvalidOption = isProjectedTokenError(error) && error.code === 'ERR_TOKEN_OPTION';
    if (!(isInvalidOption || error instanceof UsageError)) throw error;
    const name = error instanceof UsageError ? error.command : undefined;
    const usage = name === undefined ? USAGE : usageOf(name);
    const help = `projected-token ${name === undefined ? '' : `${name} `}--help`;
    const message = inCommandWords(error.message);
    terminal.stderr.write(`projected-token: ${printable(message)}\n${usage}\nTry: ${help}\n`);
    return 2;
  }
}
