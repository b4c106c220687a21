import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { run } from '../helpers/command-run.js';
import { temporaryDirectory } from '../helpers/temporary-directory.js';

const BASH = '/bin/bash';
const ZSH = ['/bin/zsh', '/usr/bin/zsh'].find(existsSync);

let directory: string;
beforeEach(async () => {
  directory = await temporaryDirectory();
  writeFileSync(join(directory, 'vault-token'), '');
});

async function scriptOf(shell: string): Promise<string> {
  const path = join(directory, `completion.${shell}`);
  writeFileSync(path, (await run(['completion', shell])).stdout);
  return path;
}

describe.skipIf(!existsSync(BASH))('bash', () => {
  /** What bash offers for the last of the words. */
  async function offered(...words: string[]): Promise<string[]> {
    const program = `cd "$2"; source "$1"; shift 2; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }; _projected_token; printf "%s\\n" "\${COMPREPLY[@]}"`;
    const args = ['--norc', '-c', program, 'bash', await scriptOf('bash'), directory, 'projected-token', ...words];
    return execFileSync(BASH, args, { encoding: 'utf8' }).split('\n').filter(Boolean);
  }

  it('offers commands first', async () => {
    expect(await offered('wa')).toEqual(['watch', 'wait']);
    expect(await offered('')).toEqual(['inspect', 'watch', 'wait', 'completion', 'help', '--help', '--version']);
    expect(await offered('help', 'insp')).toEqual(['inspect']);
  });

  it('offers the options of the command, and files', async () => {
    expect(await offered('wait', '--t')).toEqual(['--timeout']);
    expect(await offered('watch', '--t')).toEqual([]);
    expect(await offered('inspect', 'va')).toEqual(['vault-token']);
    expect(await offered('inspect', '--ca', 'va')).toEqual(['vault-token']);
    expect(await offered('inspect', '--audience', 'va')).toEqual([]);
    expect(await offered('completion', '')).toEqual(['bash', 'zsh']);
  });
});

// A completion of zsh runs only in its line editor: what is looked at here are the specifications that it is given.
describe.skipIf(ZSH === undefined)('zsh', () => {
  async function specified(...words: string[]): Promise<string> {
    const program = `compdef() { :; }; _describe() { print -rl -- "\${(@P)2}"; }; _arguments() { print -rl -- "$@"; }; source "$1"; shift; words=("$@"); CURRENT=$#; _projected_token`;
    const args = ['-f', '-c', program, 'zsh', await scriptOf('zsh'), 'projected-token', ...words];
    return execFileSync(ZSH!, args, { encoding: 'utf8' });
  }

  it('describes commands and options', async () => {
    expect(await specified('wa')).toMatch(/^inspect:Print the claims .*\nwatch:.*\nwait:.*\ncompletion:.*\nhelp:/);
    const options = await specified('inspect', '');
    expect(options).toMatch(/^\*--audience\[.*\]:name:$/m);
    expect(options).toMatch(/^\*--ca\[With --verify\\: .*\]:file:_files$/m);
    expect(options).toMatch(/^1:path:_files$/m);
    expect(options).not.toContain('--timeout');
    expect(await specified('completion', '')).toContain('1:argument:(bash zsh)');
  });

  it('is a completion that zsh itself takes', async () => {
    const program = 'autoload -U compinit && compinit -D -u && source "$1" && print -r -- "$_comps[projected-token]"';
    const args = ['-f', '-c', program, 'zsh', await scriptOf('zsh')];
    expect(execFileSync(ZSH!, args, { encoding: 'utf8' })).toBe('_projected_token\n');
  });
});
