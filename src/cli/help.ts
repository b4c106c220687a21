import {
  COMMAND_NAMES,
  COMMANDS,
  type CommandName,
  type CommandSpec,
  GLOBAL_OPTIONS,
  OPTIONS,
  type OptionName,
  type OptionSpec,
} from './commands.js';

/** Usage of the program. */
export const USAGE = `Usage: projected-token ${COMMAND_NAMES.join('|')} [argument] [options]`;

/** Returns the usage of one command. */
export function usageOf(name: CommandName): string {
  const { argument, options }: CommandSpec = COMMANDS[name];
  return `Usage: projected-token ${name} ${argument}${options.length === 0 ? '' : ' [options]'}`;
}

/** Returns what `--help` prints. */
export function generalHelp(): string {
  return text(
    [USAGE],
    ['Inspects the Kubernetes bound service account token in a projected volume.'],
    ['Commands:', ...columns(COMMAND_NAMES.map((name) => [name, COMMANDS[name].summary]))],
    ['Options of every command:', ...optionLines(GLOBAL_OPTIONS)],
    ['Options of one command: projected-token help <command>'],
    ['Exit code: 0 the token is acceptable, 1 it is not, 2 the command line is wrong.'],
    ['Examples:', ...COMMAND_NAMES.flatMap((name) => indented(COMMANDS[name].examples.slice(0, 2)))],
  );
}

/** Returns what `help <command>` prints. */
export function helpOf(name: CommandName): string {
  const { summary, details, options, exitCodes, examples }: CommandSpec = COMMANDS[name];
  return text(
    [usageOf(name)],
    [`${summary.join('\n')}.`, ...details],
    ['Options:', ...optionLines([...options, 'help'])],
    [`Exit code: ${exitCodes.join('\n')}`],
    ['Examples:', ...indented(examples)],
  );
}

function text(...paragraphs: readonly (readonly string[])[]): string {
  return `${paragraphs.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function optionLines(names: readonly OptionName[]): string[] {
  return columns(
    names.map((name) => {
      const { short, value, help }: OptionSpec = OPTIONS[name];
      return [`${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` <${value}>`}`, help];
    }),
  );
}

/** Two columns: names, and texts of one line or more. */
function columns(rows: readonly (readonly [name: string, lines: readonly string[]])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows.flatMap(([name, lines]) =>
    lines.map((line, index) => `  ${(index === 0 ? name : '').padEnd(width)}${line}`),
  );
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
