import { chmodSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { BoundToken } from 'projected-token';
import { mintToken } from 'projected-token/testing';
import { beforeEach, expect, it } from 'vitest';
import { CommandRun, type CommandRunOptions } from '../helpers/command-run.js';
import { screenOf } from '../helpers/screen.js';
import { dyingToken, SecretVolume } from '../helpers/secret-volume.js';

let volume: SecretVolume;
beforeEach(() => {
  volume = SecretVolume.forTest();
});

const fingerprint = (token: string) => BoundToken.parse(token).fingerprint;

const watch = (options?: CommandRunOptions, ...args: string[]) =>
  CommandRun.inTerminal(['watch', volume.path, ...args], options);

/** Ends it as a person does; gives the lines that stay on the screen, without the time of day. */
async function linesOf(watching: CommandRun, columns = 80): Promise<string[]> {
  watching.press('\u0003');
  await watching.exitCode;
  const lines = screenOf(watching.output, columns);
  return lines.map((line) =>
    line.replace(/^\d\d:\d\d:\d\d {2}/, '').replace(/, expires in [\da-z ]+$/, ', expires in …'),
  );
}

it('leaves a line for each event', async () => {
  const first = await volume.rotate();
  const watching = watch();
  await watching.until(/ready/);
  const second = await volume.rotate();
  await watching.until(/rotated/);
  volume.corrupt('');
  await watching.until(/rejected/);
  const third = await volume.rotate();
  await watching.until(/rotated/);
  expect(await linesOf(watching)).toEqual([
    `ready      ${fingerprint(first)}, expires in …`,
    `rotated    ${fingerprint(first)} → ${fingerprint(second)}, expires in …`,
    expect.stringMatching(/^rejected {3}\/.*/),
    expect.stringMatching(/^ {21}\S/),
    `rotated    ${fingerprint(second)} → ${fingerprint(third)}, expires in …`,
    '',
  ]);
  expect(await watching.exitCode).toBe(0);
});

it('tells a stalled rotation, the expiry, and what follows', async () => {
  await volume.rotate();
  const watching = watch({ columns: 100 });
  await watching.until(/ready/);
  const dying = await volume.rotate(dyingToken(5));
  await watching.until(/overdue/);
  await watching.until(/expired/);
  await watching.until(/waiting for an acceptable token/);
  const next = await volume.rotate();
  await watching.until(/recovered/);
  expect(await linesOf(watching, 100)).toEqual([
    expect.stringMatching(/^ready/),
    expect.stringMatching(/^rotated/),
    `overdue    ${fingerprint(dying)} should have been replaced by now, expires in …`,
    `expired    ${fingerprint(dying)} counts as expired 10 s before its expiry, and no acceptable token`,
    '                     has followed',
    `rotated    ${fingerprint(dying)} → ${fingerprint(next)}, expires in …`,
    `recovered  ${fingerprint(next)}, expires in …`,
    '',
  ]);
});

it('draws the life of the token below, anew each second, in one line', async () => {
  const token = await volume.rotate();
  const watching = watch();
  const life = /\r▒+┃▒+ {3}0 % {2}(\w{12}), expires in 59 min (\d+) s/;
  const [, shown, seconds] = await watching.until(life);
  expect(shown).toBe(fingerprint(token));
  await watching.until(life);
  const [, , later] = await watching.until(life);
  expect(Number(later)).toBeLessThan(Number(seconds));
  expect(screenOf(watching.output, 80)).toHaveLength(2);
  expect(await linesOf(watching)).toEqual([expect.stringMatching(/^ready/), '']);
});

it.each([20, 40, 60, 79, 80, 200])('draws no line that %i columns would wrap, and erases the ^C', async (columns) => {
  await volume.rotate();
  const watching = watch({ columns });
  await watching.until(/\r(▒|\w{12}, ex)/);
  const lines = await linesOf(watching, columns);
  expect(lines.at(-1)).toBe('');
  const drawn = watching.output.split('\r\u001b[K').filter((part) => !part.includes('\n'));
  expect(Math.max(...drawn.map((line) => stripVTControlCharacters(line).length))).toBeLessThanOrEqual(columns);
  expect(watching.output.includes('┃')).toBe(columns >= 60);
});

it('follows the terminal to another width', async () => {
  await volume.rotate();
  const watching = watch({ columns: 120 });
  await watching.until(/\r▒{32}┃▒{7} {3}0 % /);
  watching.resize(60);
  await watching.until(/\r▒{10}┃▒{2} {3}0 % /);
  watching.resize(30);
  await watching.until(/\r\w{12}, expires in/);
  watching.resize(120);
  await watching.until(/\r▒{32}┃/);
});

it('breaks what it tells between words, below itself', async () => {
  await volume.rotate();
  const watching = watch({ columns: 60 }, '--audience', 'bao');
  await watching.until(/rejected/);
  const lines = await linesOf(watching, 1000);
  expect(lines.length).toBeGreaterThan(4);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
  expect(lines.slice(1, -1).every((line) => /^ {21}\S/.test(line))).toBe(true);
  const text = lines.map((line) => line.trim()).join(' ');
  expect(text).toMatch(
    /^rejected {3}The token is for the audience "vault", not for "bao"\. .* mount the token that has/,
  );
});

it('waits for a volume that is mounted late, and shows that it does', async () => {
  volume.unmount();
  const watching = watch();
  await watching.until(/rejected.* does\s+not\s+exist/s);
  await watching.until(/waiting for an acceptable token/);
  const token = await mintToken();
  volume.remount(token);
  await watching.until(new RegExp(`ready.*${fingerprint(token)}`));
  watching.press('\u0003');
  expect(await watching.exitCode).toBe(0);
});

it('has no colours with NO_COLOR', async () => {
  await volume.rotate();
  const watching = watch({ env: { NO_COLOR: '1' } });
  await watching.until(/ready/);
  await watching.until(/┃/);
  await watching.until(/┃/);
  expect(watching.output.replaceAll('\u001b[K', '')).not.toContain('\u001b');
  expect((await linesOf(watching)).at(-1)).toBe('');
});

it('sends a dumb terminal nothing but lines', async () => {
  await volume.rotate();
  const watching = watch({ env: { TERM: 'dumb' } });
  await watching.until(/ready/);
  await volume.rotate();
  await watching.until(/rotated.*\r\n/);
  expect(watching.output).not.toContain('\u001b');
  expect(watching.output).not.toContain('┃');
  expect(await linesOf(watching)).toEqual([expect.stringMatching(/^ready/), expect.stringMatching(/^rotated/), '^C']);
});

it('tells when the directory cannot be watched, and when it is again', async () => {
  const isRoot = process.getuid?.() === 0;
  await volume.rotate(dyingToken(600));
  // A directory must be readable to be watched; searchable is enough to read the token in it.
  chmodSync(volume.directory, isRoot ? 0o711 : 0o300);
  const watching = watch({ asNobody: true });
  await watching.until(/degraded.*Cannot watch the directory;\s+polling\s+instead\.\s+.*EACCES/s);
  chmodSync(volume.directory, 0o755);
  await watching.until(/restored.*Watching the directory again\./);
});

it('prints each token on a line of its own with --show-token', async () => {
  const tokens = [await volume.rotate()];
  const watching = watch({ columns: 2000 }, '--show-token');
  await watching.until(/ready/);
  tokens.push(await volume.rotate());
  await watching.until(/rotated/);
  await watching.until(/┃/);
  const lines = await linesOf(watching, 2000);
  expect(lines.filter((line) => tokens.includes(line))).toEqual(tokens);
});
