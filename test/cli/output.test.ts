import { closeSync, existsSync, openSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { CommandRun, run } from '../helpers/command-run.js';
import { SecretVolume } from '../helpers/secret-volume.js';

let volume: SecretVolume;
beforeEach(async () => {
  volume = SecretVolume.forTest();
  await volume.rotate();
});

describe('a reader that goes away', () => {
  it.each([['inspect'], ['inspect', '--json'], ['--help']])('lets %s %s end quietly', async (...args) => {
    const script = '{ "$@"; echo "exit code $?" >&2; } | exec true';
    const { stderr } = await run([...args.filter(Boolean), '--', volume.path], { script });
    expect(stderr).toBe('exit code 0\n');
  });

  it('lets watch end at the next event', async () => {
    const script = '{ "$@"; echo "exit code $?" >&2; } | head -n 1';
    const watching = CommandRun.piped(['watch', volume.path], { script });
    await watching.until(/"ready".*\n/);
    // How soon head ends after its line, nobody knows.
    const goOn = async () => {
      await volume.rotate();
      return watching.hasEnded;
    };
    await expect.poll(goOn, { timeout: 20_000 }).toBe(true);
    expect(watching.stdout.match(/\n/g)).toHaveLength(1);
    expect(watching.stderr).toBe('exit code 0\n');
  });
});

it.skipIf(!existsSync('/dev/full')).each(['inspect', 'watch'])(
  'a full disk ends %s with one line that says so',
  async (command) => {
    const stdout = openSync('/dev/full', 'w');
    const { exitCode, stderr } = await run([command, volume.path], { stdout });
    closeSync(stdout);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^projected-token: ENOSPC[^\n]*\n$/);
  },
);
