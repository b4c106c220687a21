import { type ExecFileException, execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mintToken, TokenVolume } from 'projected-token/testing';
import { describe, expect, it } from 'vitest';
import { REPOSITORY } from '../helpers/built-package.js';

const MAIN = ['--import', 'tsx', 'examples/demo/main.ts'];
// A second rotation within one pause of a busy machine would overtake the retry of a request, which then fails.
const QUICK = ['--seconds', '6', '--rotate-every', '1.5'];

interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

function demo(...args: string[]): Promise<Outcome> {
  return demoWith({}, ...args);
}

function demoWith(env: NodeJS.ProcessEnv, ...args: string[]): Promise<Outcome> {
  return run(process.execPath, [...MAIN, ...args], env);
}

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { cwd: REPOSITORY, env: { ...process.env, FORCE_COLOR: undefined, ...env } };
    execFile(command, args, options, (error: ExecFileException | null, stdout, stderr) =>
      resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

describe('the demo', { timeout: 60_000 }, () => {
  it('loses no request over several rotations, and says so in JSON', async () => {
    const { exitCode, stdout, stderr } = await run('npm', ['run', '--silent', 'demo', '--', '--json', ...QUICK]);
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
    expect(summary.failed).toBeGreaterThan(0);
    expect(summary).toMatchObject({ refused: summary.failed, retried: 0, swapToFreshMs: null, vault: null });
    expect(exitCode).toBe(1);
  });

  it('tells of the naive way nothing that it does not do', async () => {
    const { stdout } = await demo('--naive', ...QUICK);
    expect(stdout).not.toMatch(/vault/i);
    expect(stdout).toMatch(/^[\d,]+ requests through \d+ rotations, [\d,]+ failed$/m);
  });

  it('prints plain lines into a pipe', async () => {
    const { exitCode, stdout, stderr } = await demo(...QUICK);
    expect(stderr).toBe('');
    expect(stdout).not.toContain('\u001b');
    expect(stdout.match(/^ +\d+\.\d s {2}token [0-9a-f]{12} {2}requests /gm)!.length).toBeGreaterThanOrEqual(3);
    expect(stdout).toMatch(/^[\d,]+ requests through \d+ rotations, 0 failed$/m);
    expect(exitCode).toBe(0);
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
