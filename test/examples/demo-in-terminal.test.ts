import { stripVTControlCharacters } from 'node:util';
import { spawn } from '@lydell/node-pty';
import { expect, it } from 'vitest';
import { REPOSITORY } from '../helpers/built-package.js';

const HOME = '\u001b[H';
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';

/** Matches the words, however they are broken into lines. */
const prose = (text: string) => new RegExp(text.replaceAll('.', '\\.').replaceAll(' ', '\\s+'));

/** The lines of the last whole frame in what a terminal got. */
function lastFrame(output: string): string[] {
  const frame = output.split(HOME).at(-2) ?? '';
  return stripVTControlCharacters(frame).split('\r\n');
}

/** What a frame shows when nothing of it is cut. */
const WHOLE = [
  prose('and refuses the old one from then on; its Vault revokes and restarts.'),
  /▼ now/,
  /age \d\.\d s, \d\.\d s left$/m,
  /█ in the volume {3}▒ life left\s+░ life left when it was replaced: refused$/m,
  /rotations \d+ {2}swap → new token in hand\s+p50 \d+\.\d ms\s+p99 \d+\.\d ms\s+max \d+\.\d ms\s+[▁▂▃▄▅▆▇█]+$/m,
  /^client +requests +a second +refused +retried +failed$/m,
  /^axios( +[\d,]+){5}$/m,
  /^Vault +logins \d+ {3}renewals \d+ {3}revocations \d+\s+restarts \d+$/m,
  /━ {2}\d+\.\d s to go {3}Ctrl-C ends$/m,
];

it('the demo draws all of its view at 60, 80 and 120 columns, and gives the terminal back', async () => {
  const args = ['--import', 'tsx', 'examples/demo/main.ts', '--rotate-every', '1', '--seconds', '60'];
  const env = { PATH: process.env.PATH, TERM: 'xterm-256color' };
  const pty = spawn(process.execPath, args, { cols: 60, rows: 40, cwd: REPOSITORY, env });
  let output = '';
  pty.onData((data) => {
    output += data;
  });
  const ended = new Promise<{ exitCode: number }>((resolve) => pty.onExit(resolve));
  for (const columns of [60, 80, 120]) {
    pty.resize(columns, 40);
    if (columns > 60) output = '';
    const cut = () => WHOLE.filter((part) => !part.test(lastFrame(output).join('\n')));
    await expect.poll(cut, { timeout: 30_000 }).toEqual([]);
  }

  pty.resize(60, 20);
  output = ENTER;
  pty.write('\u0003');
  const { exitCode } = await ended;
  const [, after] = output.split(LEAVE);
  const summary = stripVTControlCharacters(after!)
    .split(/(?:\r\n){2,}/)
    .at(-1)!
    .split('\r\n');
  expect(summary.slice(0, 2)).toEqual([
    expect.stringMatching(/^[\d,]+ requests through \d+ rotations?, [\d,]+ failed$/),
    expect.stringMatching(/^ {2}new token {6}in hand /),
  ]);
  // On a machine without time for it, a token is replaced again before the request is sent again.
  expect(exitCode).toBe(summary[0]!.endsWith(' 0 failed') ? 0 : 1);
  expect(Math.max(...summary.map((line) => line.length))).toBeLessThanOrEqual(60);
}, 60_000);
