import { chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { stripVTControlCharacters } from 'node:util';
import { BoundToken } from 'projected-token';
import { TokenVolume } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CommandRun, type CommandRunOptions } from '../helpers/command-run.js';
import { screenOf } from '../helpers/screen.js';
import { secret, secretToken } from '../helpers/secrets.js';

/** Before its expiry a token is handed out no more, by default. */
const MARGIN_SECONDS = 10;

let volume: TokenVolume;
beforeEach(() => {
  volume = TokenVolume.temporary(tmpdir());
});
afterEach(() => volume.unmount());

const fingerprint = (token: string) => BoundToken.parse(token).fingerprint;

async function rotate(options?: Parameters<typeof secretToken>[0]): Promise<string> {
  const token = await secretToken(options);
  volume.write(token);
  return token;
}

/** A token with so many seconds until it is not handed out any more, long past its refresh time. */
const dyingToken = (seconds: number) => {
  const expiresInSeconds = 3600;
  return { expiresInSeconds, issuedAt: new Date(Date.now() - (expiresInSeconds - MARGIN_SECONDS - seconds) * 1000) };
};

describe('in a terminal', () => {
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
    const first = await rotate();
    const watching = watch();
    await watching.until(/ready/);
    const second = await rotate();
    await watching.until(/rotated/);
    volume.corrupt('');
    await watching.until(/rejected/);
    const third = await rotate();
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
    await rotate();
    const watching = watch({ columns: 100 });
    await watching.until(/ready/);
    const dying = await rotate(dyingToken(3));
    await watching.until(/overdue/);
    await watching.until(/expired/);
    await watching.until(/waiting for an acceptable token/);
    const next = await rotate();
    await watching.until(/recovered/);
    expect(await linesOf(watching, 100)).toEqual([
      expect.stringMatching(/^ready/),
      expect.stringMatching(/^rotated/),
      `overdue    ${fingerprint(dying)} should have been replaced by now, expires in …`,
      `expired    ${fingerprint(dying)}, and no acceptable token has followed`,
      `rotated    ${fingerprint(dying)} → ${fingerprint(next)}, expires in …`,
      `recovered  ${fingerprint(next)}, expires in …`,
      '',
    ]);
  });

  it('draws the life of the token below, anew each second, in one line', async () => {
    const token = await rotate();
    const watching = watch();
    const life = /\r░+┃░+ {3}0 % {2}(\w{12}), expires in 59 min (\d+) s/;
    const [, shown, seconds] = await watching.until(life);
    expect(shown).toBe(fingerprint(token));
    await watching.until(life);
    const [, , later] = await watching.until(life);
    expect(Number(later)).toBeLessThan(Number(seconds));
    expect(screenOf(watching.output, 80)).toHaveLength(2);
    expect(await linesOf(watching)).toEqual([expect.stringMatching(/^ready/), '']);
  });

  it.each([20, 40, 60, 79, 80, 200])('draws no line that %i columns would wrap, and erases the ^C', async (columns) => {
    await rotate();
    const watching = watch({ columns });
    await watching.until(/\r(░|\w{12}, ex)/);
    const lines = await linesOf(watching, columns);
    expect(lines.at(-1)).toBe('');
    const drawn = watching.output.split('\r\u001b[K').filter((part) => !part.includes('\n'));
    expect(Math.max(...drawn.map((line) => stripVTControlCharacters(line).length))).toBeLessThanOrEqual(columns);
    expect(watching.output.includes('┃')).toBe(columns >= 60);
  });

  it('follows the terminal to another width', async () => {
    await rotate();
    const watching = watch({ columns: 120 });
    await watching.until(/\r░{32}┃░{7} {3}0 % /);
    watching.resize(60);
    await watching.until(/\r░{10}┃░{2} {3}0 % /);
    watching.resize(30);
    await watching.until(/\r\w{12}, expires in/);
    watching.resize(120);
    await watching.until(/\r░{32}┃/);
  });

  it('breaks what it tells between words, below itself', async () => {
    await rotate();
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
    const token = await secretToken();
    volume.remount(token);
    await watching.until(new RegExp(`ready.*${fingerprint(token)}`));
    watching.press('\u0003');
    expect(await watching.exitCode).toBe(0);
  });

  it('has no colours with NO_COLOR', async () => {
    await rotate();
    const watching = watch({ env: { NO_COLOR: '1' } });
    await watching.until(/ready/);
    await watching.until(/┃/);
    await watching.until(/┃/);
    expect(watching.output.replaceAll('\u001b[K', '')).not.toContain('\u001b');
    expect((await linesOf(watching)).at(-1)).toBe('');
  });

  it('sends a dumb terminal nothing but lines', async () => {
    await rotate();
    const watching = watch({ env: { TERM: 'dumb' } });
    await watching.until(/ready/);
    await rotate();
    await watching.until(/rotated.*\r\n/);
    expect(watching.output).not.toContain('\u001b');
    expect(watching.output).not.toContain('┃');
    expect(await linesOf(watching)).toEqual([expect.stringMatching(/^ready/), expect.stringMatching(/^rotated/), '^C']);
  });

  it('tells when the directory cannot be watched, and when it is again', async () => {
    const isRoot = process.getuid?.() === 0;
    await rotate(dyingToken(600));
    // A directory must be readable to be watched; searchable is enough to read the token in it.
    chmodSync(volume.directory, isRoot ? 0o711 : 0o300);
    const watching = watch({ asNobody: true });
    await watching.until(/degraded.*The directory cannot be watched; it\s+is polled instead\.\s+.*EACCES/s);
    chmodSync(volume.directory, 0o755);
    await watching.until(/restored.*The directory is watched again\./);
  });

  it('makes the text of others harmless', async () => {
    await rotate({ audience: '\u001b[2J\u009b31m\u202e' });
    const watching = watch({}, '--audience', 'vault');
    await watching.until(/rejected/);
    expect((await linesOf(watching)).join('\n')).toMatch(/rejected .*\ufffd31m\ufffd/);
  });

  it('prints each token on a line of its own with --show-token', async () => {
    const tokens = [await rotate()];
    const watching = watch({ columns: 2000 }, '--show-token');
    await watching.until(/ready/);
    tokens.push(await rotate());
    await watching.until(/rotated/);
    await watching.until(/┃/);
    const lines = await linesOf(watching, 2000);
    expect(lines.filter((line) => tokens.includes(line))).toEqual(tokens);
  });
});

describe('piped', () => {
  const watch = (...args: string[]) => CommandRun.piped(['watch', volume.path, ...args]);

  it('prints a JSON object a line for each event', async () => {
    const first = await rotate();
    const watching = watch();
    await watching.until(/"ready"/);
    const dying = await rotate(dyingToken(3));
    await watching.until(/"expired"/);
    volume.corrupt(secret('a-text-that-is-no-token-33f0'));
    await watching.until(/"rejected"/);
    const next = await rotate();
    await watching.until(/"recovered"/);
    watching.signal('SIGTERM');
    expect(await watching.exitCode).toBe(0);
    expect(watching.stderr).toBe('');

    const events = watching.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const shown = (token: string) => JSON.parse(JSON.stringify(BoundToken.parse(token)));
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/);
    expect(events).toEqual([
      { time, event: 'ready', current: shown(first) },
      { time, event: 'rotated', current: shown(dying), previous: shown(first) },
      { time, event: 'overdue', current: shown(dying) },
      { time, event: 'expired', previous: shown(dying) },
      {
        time,
        event: 'rejected',
        error: { code: 'ERR_TOKEN_MALFORMED', message: expect.stringContaining('three base64url parts') },
      },
      { time, event: 'rotated', current: shown(next), previous: shown(dying) },
      { time, event: 'recovered', current: shown(next) },
    ]);
    expect(events.map((event) => event.time)).toEqual(events.map((event) => event.time).sort());
  });

  it('is what --json prints in a terminal, too', async () => {
    await rotate();
    const watching = CommandRun.inTerminal(['watch', volume.path, '--json'], { columns: 1000 });
    await watching.until(/"ready".*\r\n/);
    expect(JSON.parse(watching.output)).toMatchObject({ event: 'ready' });
  });

  it('adds the token with --show-token', async () => {
    const token = await rotate();
    const watching = watch('--show-token');
    await watching.until(/"ready".*\n/);
    expect(JSON.parse(watching.stdout)).toMatchObject({ event: 'ready', value: token });
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'ends on %s with 0 while a token is in use, with 1 while none is',
    async (signal) => {
      const watching = watch();
      await watching.until(/"rejected"/);
      const other = watch('--audience', 'bao');
      await other.until(/"rejected"/);
      await rotate();
      await watching.until(/"ready"/);
      await other.until(/"ERR_TOKEN_AUDIENCE"/);
      for (const each of [watching, other]) each.signal(signal);
      expect([await watching.exitCode, await other.exitCode]).toEqual([0, 1]);
      expect(watching.stderr + other.stderr).toBe('');
    },
  );

  it('survives that nobody reads any more, and ends at the next event', async () => {
    await rotate();
    const script = '{ "$@"; echo "exit code $?" >&2; } | head -n 1';
    const watching = CommandRun.piped(['watch', volume.path], { script });
    await watching.until(/"ready".*\n/);
    // How soon head ends after its line, nobody knows.
    const goOn = async () => {
      await rotate();
      return watching.hasEnded;
    };
    await expect.poll(goOn, { timeout: 20_000 }).toBe(true);
    expect(watching.stdout.match(/\n/g)).toHaveLength(1);
    expect(watching.stderr).toBe('exit code 0\n');
  });
});
