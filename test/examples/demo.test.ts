import { type ExecFileException, execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from '@lydell/node-pty';
import { mintToken, TokenVolume } from 'projected-token/testing';
import { describe, expect, it } from 'vitest';
import { REPOSITORY } from '../helpers/built-package.js';

const MAIN = ['--import', 'tsx', 'examples/demo/main.ts'];
const QUICK = ['--seconds', '3', '--rotate-every', '0.5'];

interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

function demo(...args: string[]): Promise<Outcome> {
  return demoWith({}, ...args);
}

function demoWith(env: NodeJS.ProcessEnv, ...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { cwd: REPOSITORY, env: { ...process.env, FORCE_COLOR: undefined, ...env } };
    execFile(process.execPath, [...MAIN, ...args], options, (error: ExecFileException | null, stdout, stderr) =>
      resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

describe('the demo', { timeout: 60_000 }, () => {
  it('loses no request over several rotations, and says so in JSON', async () => {
    const { exitCode, stdout, stderr } = await demo('--json', ...QUICK);
    expect(stderr).toBe('');
    const summary = JSON.parse(stdout);
    expect(summary).toEqual({
      rotations: expect.any(Number),
      requests: expect.any(Number),
      refused: expect.any(Number),
      retried: summary.refused,
      failed: 0,
      swapToFreshMs: { p50: expect.any(Number), p99: expect.any(Number), max: expect.any(Number) },
      vault: {
        logins: expect.any(Number),
        renewals: expect.any(Number),
        revocations: expect.any(Number),
        restarts: expect.any(Number),
        unreachable: expect.any(Number),
      },
    });
    expect(summary.vault.restarts).toBeGreaterThanOrEqual(1);
    expect(summary.vault.unreachable).toBeGreaterThanOrEqual(1);
    // One at the start, one after each revocation.
    expect(summary.vault.logins).toBeGreaterThanOrEqual(1 + summary.vault.revocations);
    expect(summary.rotations).toBeGreaterThanOrEqual(2);
    expect(summary.requests).toBeGreaterThan(100);
    expect(summary.swapToFreshMs.p50).toBeGreaterThan(0);
    expect(exitCode).toBe(0);
  });

  it('fails in the naive way, and says so', async () => {
    const { exitCode, stdout } = await demo('--json', '--naive', ...QUICK);
    const summary = JSON.parse(stdout);
    expect(summary.failed).toBeGreaterThan(100);
    expect(summary).toMatchObject({ refused: summary.failed, retried: 0, swapToFreshMs: null, vault: null });
    expect(exitCode).toBe(1);
  });

  it('prints plain lines into a pipe', async () => {
    const { exitCode, stdout, stderr } = await demo(...QUICK);
    expect(stderr).toBe('');
    expect(stdout).not.toContain('\u001b');
    expect(stdout.match(/^ +\d+\.\d s {2}token [0-9a-f]{12} {2}requests /gm)!.length).toBeGreaterThanOrEqual(3);
    expect(stdout).toMatch(/^failed +0$/m);
    expect(exitCode).toBe(0);
  });

  it('draws a live view in a terminal, and gives the terminal back at Ctrl-C', async () => {
    const env = { PATH: process.env.PATH, TERM: 'xterm-256color' };
    const pty = spawn(process.execPath, [...MAIN, '--rotate-every', '0.5', '--seconds', '60'], {
      cols: 90,
      rows: 24,
      cwd: REPOSITORY,
      env,
    });
    let output = '';
    pty.onData((data) => {
      output += data;
    });
    const ended = new Promise<{ exitCode: number }>((resolve) => pty.onExit(resolve));

    await expect.poll(() => output, { timeout: 30_000 }).toMatch(/rotations \S*3/);
    expect(output).toContain('\u001b[?1049h\u001b[?25l');
    pty.resize(60, 20);
    pty.write('\u0003');
    expect(await ended).toMatchObject({ exitCode: 0 });

    const [live, after] = output.split('\u001b[?25h\u001b[?1049l');
    expect(live).toContain('█');
    expect(after).toMatch(/^failed +0\r$/m);
  });

  it('shows the life of a mounted token', async () => {
    using volume = TokenVolume.temporary(tmpdir());
    volume.write(await mintToken({ audience: 'vault', expiresInSeconds: 600 }));
    const { exitCode, stdout } = await demo('--path', volume.path, '--audience', 'vault', '--seconds', '1');
    expect(stdout).toMatch(/token [0-9a-f]{12}\n/);
    expect(exitCode).toBe(0);
  });

  it('says what is wrong with a mounted token', async () => {
    using volume = TokenVolume.temporary(tmpdir());
    volume.write(await mintToken({ audience: 'somebody-else' }));
    const { exitCode, stderr } = await demo('--path', volume.path, '--audience', 'vault', '--seconds', '1');
    expect(stderr).toContain('ERR_TOKEN_AUDIENCE');
    expect(exitCode).toBe(1);
  });

  it('explains its command line', async () => {
    expect(await demo('--help')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('--rotate-every') });
    expect(await demo('--seconds', 'many')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--seconds'),
    });
    expect(await demo('--url', 'https://a.example')).toMatchObject({ exitCode: 2 });
  });

  it('leaves nothing behind', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'demo-'));
    await demoWith({ TMPDIR: directory }, '--json', '--seconds', '1');
    // tsx keeps its cache there.
    expect((await readdir(directory)).filter((name) => !name.startsWith('tsx-'))).toEqual([]);
    await rm(directory, { recursive: true });
  });
});
