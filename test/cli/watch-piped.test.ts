import { BoundToken } from 'projected-token';
import { beforeEach, expect, it } from 'vitest';
import { CommandRun } from '../helpers/command-run.js';
import { dyingToken, SecretVolume } from '../helpers/secret-volume.js';

let volume: SecretVolume;
beforeEach(() => {
  volume = SecretVolume.forTest();
});

const watch = (...args: string[]) => CommandRun.piped(['watch', volume.path, ...args]);

it('prints a JSON object a line for each event', async () => {
  const first = await volume.rotate();
  const watching = watch();
  await watching.until(/"ready"/);
  const dying = await volume.rotate(dyingToken(5));
  await watching.until(/"expired"/);
  volume.corrupt('a-text-that-is-no-token-33f0');
  await watching.until(/"rejected"/);
  const next = await volume.rotate();
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

it('tells that there is a token before anything else about it', async () => {
  await volume.rotate(dyingToken(60));
  const watching = watch();
  await watching.until(/"overdue".*\n/);
  expect(watching.stdout.match(/"event":"\w+"/g)).toEqual(['"event":"ready"', '"event":"overdue"']);
});

it('is what --json prints in a terminal, too', async () => {
  await volume.rotate();
  const watching = CommandRun.inTerminal(['watch', volume.path, '--json'], { columns: 1000 });
  await watching.until(/"ready".*\r\n/);
  expect(JSON.parse(watching.output)).toMatchObject({ event: 'ready' });
});

it('adds the token with --show-token', async () => {
  const token = await volume.rotate();
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
    await volume.rotate();
    await watching.until(/"ready"/);
    await other.until(/"ERR_TOKEN_AUDIENCE"/);
    for (const each of [watching, other]) each.signal(signal);
    expect([await watching.exitCode, await other.exitCode]).toEqual([0, 1]);
    expect(watching.stderr + other.stderr).toBe('');
  },
);
