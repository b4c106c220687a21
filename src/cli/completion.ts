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

/** Returns a script that completes the commands and options of the table in a shell. */
export function completionScript(shell: 'bash' | 'zsh'): string {
  return shell === 'bash' ? bashScript() : zshScript();
}

const optionsOf = (name: CommandName): readonly OptionName[] => [...COMMANDS[name].options, ...GLOBAL_OPTIONS];
const specOf = (name: OptionName): OptionSpec => OPTIONS[name];

function bashScript(): string {
  const withValue = (Object.keys(OPTIONS) as OptionName[]).filter((name) => specOf(name).value !== undefined);
  const withFile = withValue.filter((name) => specOf(name).isFile);
  const withText = withValue.filter((name) => !specOf(name).isFile);
  const pattern = (names: readonly OptionName[]) => names.map((name) => `--${name}`).join('|');
  const cases = COMMAND_NAMES.map((name) => {
    const { words }: CommandSpec = COMMANDS[name];
    const flags = optionsOf(name).map((option) => `--${option}`);
    return `    ${name}) words="${flags.join(' ')}"; argument="${words?.join(' ') ?? ''}" ;;`;
  });
  return `# bash completion of projected-token
_projected_token() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} words argument
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "${[...COMMAND_NAMES, 'help', ...GLOBAL_OPTIONS.map((name) => `--${name}`)].join(' ')}" -- "$current"))
    return
  fi
  case $previous in
    ${pattern(withFile)}) compopt -o filenames; COMPREPLY=($(compgen -f -- "$current")); return ;;
    ${pattern(withText)}) return ;;
  esac
  case \${COMP_WORDS[1]} in
    help) argument="${COMMAND_NAMES.join(' ')}" ;;
${cases.join('\n')}
  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  elif [[ -n $argument ]]; then
    COMPREPLY=($(compgen -W "$argument" -- "$current"))
  else
    compopt -o filenames
    COMPREPLY=($(compgen -f -- "$current"))
  fi
}
complete -F _projected_token projected-token
`;
}

function zshScript(): string {
  const cases = COMMAND_NAMES.map((name) => {
    const { words }: CommandSpec = COMMANDS[name];
    const argument = words === undefined ? '1:path:_files' : `1:argument:(${words.join(' ')})`;
    return `    ${name}) _arguments ${[...optionsOf(name).flatMap(zshOption), argument].map(quoted).join(' ')} ;;`;
  });
  const commands = COMMAND_NAMES.map((name) => quoted(`${name}:${COMMANDS[name].summary.join(' ')}`));
  return `#compdef projected-token
_projected_token() {
  local -a commands=(${[...commands, quoted('help:Print the help of a command')].join(' ')})
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
    help) _arguments ${quoted(`1:command:(${COMMAND_NAMES.join(' ')})`)} ;;
${cases.join('\n')}
  esac
}
compdef _projected_token projected-token
`;
}

/** Specifications as `_arguments` of zsh reads them. */
function zshOption(name: OptionName): string[] {
  const { short, value, isFile, help } = specOf(name);
  const text = help.join(' ').replace(/[[\]:]/g, '\\$&');
  const values = value === undefined ? '' : `:${value}:${isFile ? '_files' : ''}`;
  // Options with a value can be given again.
  const names = [`--${name}`, ...(short === undefined ? [] : [`-${short}`])];
  return names.map((each) => `${value === undefined ? '' : '*'}${each}[${text}]${values}`);
}

/** For the shell, to the letter. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
