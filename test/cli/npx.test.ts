import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { COMMAND, CommandRun } from '../helpers/command-run.js';
import { SecretVolume } from '../helpers/secret-volume.js';
import { temporaryDirectory } from '../helpers/temporary-directory.js';

/** As on macOS, Fedora and RHEL, whose sh it is. */
const BASH = '/bin/bash';

let project: string;
let volume: SecretVolume;
beforeEach(async () => {
  volume = SecretVolume.forTest();
  project = await temporaryDirectory();
  const bin = join(project, 'node_modules', '.bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(project, 'package.json'), '{ "name": "consumer", "private": true }');
  const shim = join(bin, 'projected-token');
  writeFileSync(shim, `#!/bin/sh\nexec "${process.execPath}" "${COMMAND}" "$@"\n`);
  chmodSync(shim, 0o755);
});

/** Runs a command through npx, in a terminal. */
function throughNpx(...args: string[]): CommandRun {
  const script = 'cd "$PROJECT" && shift 2 && exec npx --offline projected-token "$@"';
  return CommandRun.inTerminal(args, {
    script,
    env: { PROJECT: project, HOME: project, npm_config_script_shell: BASH },
  });
}

// npx passes on the SIGINT that the terminal has sent to all processes in the foreground: each arrives twice. Where sh is dash,
// Ctrl-C ends that shell between npx and the command, and no command could change the exit code.
it.skipIf(!existsSync(BASH))('gives npx the exit code of watch after Ctrl-C', { timeout: 60_000 }, async () => {
  await volume.rotate();
  const withToken = throughNpx('watch', volume.path);
  await withToken.until(/ready/);
  const without = throughNpx('watch', volume.path, '--audience', 'bao');
  await without.until(/rejected/);
  for (const each of [withToken, without]) each.press('\u0003');
  expect([await withToken.exitCode, await without.exitCode]).toEqual([0, 1]);
});

it.skipIf(!existsSync(BASH))('gives npx the exit code of wait after Ctrl-C', { timeout: 60_000 }, async () => {
  const waiting = throughNpx('wait', volume.path);
  await waiting.until(/waiting: /);
  waiting.press('\u0003');
  expect(await waiting.exitCode).toBe(1);
  expect(waiting.output).toContain('projected-token: interrupted');
});
