import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { REPOSITORY } from '../helpers/built-package.js';
import { run, runInTerminal } from '../helpers/command-run.js';
import { screenOf } from '../helpers/screen.js';

describe('help', () => {
  it('names every command, option and exit code, in 80 columns', async () => {
    const { stdout: help } = await run(['--help']);
    for (const word of ['inspect', 'watch', 'wait', '--audience', '--issuer', '--subject', '--json', '--timeout']) {
      expect(help).toMatch(new RegExp(`^  ${word} .{10}`, 'm'));
    }
    expect(help).toMatch(/^ {2}--show-token .*secret/m);
    expect(help).toMatch(/^Exit code: 0 .* 1 .* 2 /m);
    expect(help).toContain('default: /var/run/secrets/tokens');
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it.each([['-h'], ['help'], ['help', 'watch'], ['inspect', '--help'], ['watch', '-h', '/some/path']])(
    'comes on stdout for: %s %s',
    async (...args) => {
      expect(await run(args.filter(Boolean))).toEqual(await run(['--help']));
    },
  );

  it('is the same in a terminal, and in the documentation', async () => {
    const { stdout: help, ...rest } = await run(['--help']);
    expect(rest).toEqual({ exitCode: 0, stderr: '' });
    const { stdout } = await runInTerminal(['--help']);
    expect(screenOf(stdout, 80).join('\n')).toBe(help);
    expect(await readFile(join(REPOSITORY, 'docs', 'cli.md'), 'utf8')).toContain(help);
  });
});

it.each(['--version', '-v'])('%s prints the version of the package', async (option) => {
  const { version } = JSON.parse(await readFile(join(REPOSITORY, 'package.json'), 'utf8'));
  expect(await run([option])).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
});

describe('a command line that is wrong', () => {
  it.each<[args: string[], says: RegExp]>([
    [[], /no command given/],
    [[''], /"" is no command/],
    [['inspekt', '--timeout', '3'], /"inspekt" is no command/],
    [['inspect', '--bar'], /unknown option '--bar'\.$/i],
    [['inspect', '-x'], /unknown option '-x'\.$/i],
    [['inspect', '--json=yes'], /'--json' does not take an argument/],
    [['inspect', '--audience'], /'--audience.*argument missing/],
    [['inspect', '--audience', ''], /"audience" must be a non-empty string/],
    [['inspect', ''], /"path" must be the path/],
    [['inspect', 'a', 'b'], /one path at most, and "b" is another/],
    [['inspect', '--timeout', '3'], /--timeout is an option of wait/],
    [['watch', '--timeout', '3'], /--timeout is an option of wait/],
    [['watch', '--issuer', ''], /"issuer" must be/],
    [['wait', '--json'], /--json is an option of inspect and watch/],
    [['wait', '--subject', ''], /"subject" must be/],
    [['wait', '--timeout'], /'--timeout.*argument missing/],
    [['wait', '--timeout', 'soon'], /--timeout takes a number of seconds up to 86400, not "soon"/],
    [['wait', '--timeout='], /not ""/],
    [['wait', '--timeout=-5'], /not "-5"/],
    [['wait', '--timeout', '1e3'], /not "1e3"/],
    [['wait', '--timeout', '2m'], /not "2m"/],
    [['wait', '--timeout', '86401'], /not "86401"/],
  ])('%j is told on stderr, with the usage, and exit code 2', async (args, says) => {
    const { exitCode, stdout, stderr } = await run(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    const [error, ...rest] = stderr.split('\n');
    expect(error).toMatch(/^projected-token: /);
    expect(error).toMatch(says);
    expect(rest).toEqual([
      'Usage: projected-token inspect|watch|wait [path] [options]',
      'Try: projected-token --help',
      '',
    ]);
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
