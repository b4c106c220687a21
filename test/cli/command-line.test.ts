import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { REPOSITORY } from '../helpers/built-package.js';
import { run, runInTerminal } from '../helpers/command-run.js';
import { screenOf } from '../helpers/screen.js';

const COMMANDS = ['inspect', 'watch', 'wait', 'completion'];

describe('help', () => {
  it('names every command and exit code, in 80 columns', async () => {
    const { stdout: help } = await run(['--help']);
    for (const word of COMMANDS) expect(help).toMatch(new RegExp(`^  ${word} .{10}`, 'm'));
    expect(help).toMatch(/^Exit code: 0 .* 1 .* 2 /m);
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it.each([
    [
      'inspect',
      ['audience', 'issuer', 'subject', 'claims', 'verify', 'api-server', 'ca', 'bearer', 'json', 'show-token'],
    ],
    ['watch', ['audience', 'issuer', 'subject', 'json', 'show-token']],
    ['wait', ['audience', 'issuer', 'subject', 'timeout', 'json', 'show-token']],
    ['completion', []],
  ])('of %s names its options and no other, in 80 columns', async (command, options) => {
    const { exitCode, stdout: help } = await run(['help', command]);
    expect(exitCode).toBe(0);
    expect(help).toMatch(new RegExp(`^Usage: projected-token ${command} `));
    expect([...help.matchAll(/^ {2}(?:-h, )?--([a-z-]+) .{10}/gm)].map(([, name]) => name)).toEqual([
      ...options,
      'help',
    ]);
    expect(help).toMatch(/^Exit code: 0/m);
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it.each([['-h'], ['help'], ['help', 'help']])('of all commands comes on stdout for: %s %s', async (...args) => {
    expect(await run(args.filter(Boolean))).toEqual(await run(['--help']));
  });

  it.each([
    ['inspect', '--help'],
    ['watch', '-h', '/some/path'],
    ['--help', 'wait'],
  ])('of one command comes on stdout for: %s %s %s', async (...args) => {
    const command = args.find((word) => COMMANDS.includes(word))!;
    expect(await run(args.filter(Boolean))).toEqual(await run(['help', command]));
  });

  it('is the same in a terminal, and in the documentation', async () => {
    const page = await readFile(join(REPOSITORY, 'docs', 'cli.md'), 'utf8');
    for (const args of [['--help'], ...COMMANDS.map((command) => ['help', command])]) {
      const { stdout: help, ...rest } = await run(args);
      expect(rest).toEqual({ exitCode: 0, stderr: '' });
      const { stdout } = await runInTerminal(args);
      expect(screenOf(stdout, 80).join('\n')).toBe(help);
      expect(page).toContain(help);
    }
  });
});

it.each(['--version', '-v'])('%s prints the version of the package', async (option) => {
  const { version } = JSON.parse(await readFile(join(REPOSITORY, 'package.json'), 'utf8'));
  expect(await run([option])).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
});

describe('a command line that is wrong', () => {
  it.each<[args: string[], says: RegExp, of?: string]>([
    [[], /no command given\.$/],
    [[''], /unknown command ""\.$/],
    [['bogus', '--timeout', '3'], /unknown command "bogus"\.$/],
    [['help', 'bogus'], /unknown command "bogus"\.$/],
    [['inspect', '--bar'], /unknown option "--bar"\.$/],
    [['inspect', '-x'], /unknown option "-x"\.$/],
    [['inspect', '--json=yes'], /--json takes no value, and "yes" is one\.$/],
    [['inspect', '--audience'], /--audience needs a value: --audience <name>\.$/],
    [['inspect', '--audience', '--json'], /--audience needs a value before "--json"\..*--audience=--json\.$/],
    [['inspect', '--audience', ''], /the value of --audience is empty\.$/],
    [['inspect', ''], /the argument \[path \| -\] is empty\.$/, 'inspect'],
    [['inspect', 'a', 'b'], /inspect takes one argument, and "b" is another\.$/, 'inspect'],
    [['inspect', '--timeout', '3'], /--timeout is an option of wait, not of inspect\.$/, 'inspect'],
    [['inspect', '--ca', 'ca.crt'], /--ca needs --verify\.$/, 'inspect'],
    [['watch', '--timeout', '3'], /--timeout is an option of wait, not of watch\.$/, 'watch'],
    [['watch', '--claims'], /--claims is an option of inspect, not of watch\.$/, 'watch'],
    [['watch', '-'], /only inspect reads standard input \(argument "-"\), not watch\.$/, 'watch'],
    [['watch', '--issuer', ''], /the value of --issuer is empty\.$/],
    [['wait', '-'], /only inspect reads standard input/, 'wait'],
    [['wait', '--subject='], /the value of --subject is empty\.$/],
    [['wait', '--timeout'], /--timeout needs a value: --timeout <seconds>\.$/],
    [['wait', '--timeout', 'soon'], /--timeout takes a number of seconds up to 86400, not "soon"\.$/, 'wait'],
    [['wait', '--timeout='], /not ""\.$/, 'wait'],
    [['wait', '--timeout=-5'], /not "-5"\.$/, 'wait'],
    [['wait', '--timeout', '1e3'], /not "1e3"\.$/, 'wait'],
    [['wait', '--timeout', '2m'], /not "2m"\.$/, 'wait'],
    [['wait', '--timeout', '86401'], /not "86401"\.$/, 'wait'],
    [['completion'], /completion takes the name of a shell, bash or zsh\.$/, 'completion'],
    [['completion', 'fish'], /bash or zsh, not "fish"\.$/, 'completion'],
    [['completion', 'bash', '--json'], /--json is an option of inspect and watch and wait, not of comp/, 'completion'],
  ])('%j is reported on stderr, with the usage, and exit code 2', async (args, says, of) => {
    const { exitCode, stdout, stderr } = await run(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    const [error, usage, ...rest] = stderr.split('\n');
    expect(error).toMatch(/^projected-token: /);
    expect(error).toMatch(says);
    expect(usage).toMatch(new RegExp(`^Usage: projected-token ${of ?? 'inspect\\|watch\\|wait\\|completion'} `));
    expect(rest).toEqual([`Try: projected-token ${of === undefined ? '' : `${of} `}--help`, '']);
  });
});

it('shows where it looks when no path is given', async () => {
  const { stdout } = await run(['inspect']);
  expect(stdout).toMatch(/^file {8}\/var\/run\/secrets\/tokens/);
});

it('takes a path that begins with a dash after --', async () => {
  const { exitCode, stdout } = await run(['inspect', '--', '-token']);
  expect(exitCode).toBe(1);
  expect(stdout).toContain(`${process.cwd()}/-token does not exist`);
});
