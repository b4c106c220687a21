import { BoundToken } from 'projected-token';
import { mintToken } from 'projected-token/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { CommandRun, run, runInTerminal } from '../helpers/command-run.js';
import { screenOf } from '../helpers/screen.js';
import { SecretVolume } from '../helpers/secret-volume.js';

let volume: SecretVolume;
beforeEach(() => {
  volume = SecretVolume.forTest();
});

const accepted = (token: string) => `token ${BoundToken.parse(token).fingerprint} is acceptable, expires in `;

describe('wait', () => {
  it('returns when there is an acceptable token already, with nothing on stdout', async () => {
    const token = await volume.rotate();
    const { exitCode, stdout, stderr } = await run(['wait', volume.path, '--audience', 'vault']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^${accepted(token)}\\d+ (h|min).*\\n$`));
  });

  it('looks into a directory that holds one token', async () => {
    await volume.rotate();
    expect(await run(['wait', volume.directory])).toMatchObject({ exitCode: 0 });
  });

  it.each(['piped', 'inTerminal'] as const)('waits for a volume that is mounted late (%s)', async (how) => {
    volume.unmount();
    const waiting = CommandRun[how](['wait', volume.path]);
    await waiting.until(/waiting: .*does\s+not\s+exist/);
    const token = await mintToken();
    volume.remount(token);
    await waiting.until(new RegExp(accepted(token)));
    expect(await waiting.exitCode).toBe(0);
  });

  it('passes over what is not acceptable, says why once a cause, and takes the first that is', async () => {
    volume.corrupt('');
    const waiting = CommandRun.piped(['wait', volume.path, '--audience', 'vault']);
    await waiting.until(/waiting: .*is empty/);
    volume.write('a-text-that-is-no-token-1c9f');
    await waiting.until(/waiting: .*three base64url parts/);
    await volume.rotate({ audience: 'bao' });
    await waiting.until(/waiting: .*"bao", not for "vault"/);
    await volume.rotate();
    expect(await waiting.exitCode).toBe(0);
    expect(waiting.stderr.match(/^.*$/gm)!.filter(Boolean)).toHaveLength(4);
  });

  it('prints the token, and nothing else, on stdout with --show-token', async () => {
    const token = await volume.rotate();
    const { stdout, stderr } = await run(['wait', volume.path, '--show-token']);
    expect(stdout).toBe(`${token}\n`);
    expect(stderr).not.toContain(token);
  });
});

describe('wait --json', () => {
  it('prints the token that is there as one line, without the token itself', async () => {
    const token = await volume.rotate();
    const { exitCode, stdout, stderr } = await run(['wait', volume.path, '--json']);
    expect(exitCode).toBe(0);
    expect(stdout.split('\n')).toHaveLength(2);
    expect(JSON.parse(stdout)).toEqual({ token: JSON.parse(JSON.stringify(BoundToken.parse(token))) });
    expect(stderr).toContain(accepted(token));
  });

  it('prints why there is none', async () => {
    await volume.rotate();
    const { exitCode, stdout } = await run(['wait', volume.path, '--json', '--issuer', 'https://x', '--timeout', '0']);
    expect(exitCode).toBe(1);
    const message = expect.stringMatching(
      /"https:\/\/kubernetes\.default\.svc", not "https:\/\/x"\. Correct --issuer, or/,
    );
    expect(JSON.parse(stdout)).toEqual({ error: { code: 'ERR_TOKEN_ISSUER', message } });
  });

  it('adds the token itself with --show-token', async () => {
    const token = await volume.rotate();
    const { stdout } = await run(['wait', volume.path, '--json', '--show-token']);
    expect(JSON.parse(stdout)).toMatchObject({ token: { audiences: ['vault'] }, value: token });
  });
});

describe('wait gives up after --timeout', () => {
  const CASES: Record<string, { code: string; says: RegExp; put?: () => Promise<unknown>; asks?: string[] }> = {
    'a volume that is missing': {
      code: 'ERR_TOKEN_NOT_FOUND',
      says: /does not exist\. Mount a projected volume/,
      put: async () => volume.unmount(),
    },
    'an empty directory': { code: 'ERR_TOKEN_NOT_FOUND', says: /vault-token does not exist/ },
    'another audience': {
      code: 'ERR_TOKEN_AUDIENCE',
      says: /"vault", not for "bao"\. Set serviceAccountToken\.audience/,
      put: async () => volume.rotate(),
      asks: ['--audience', 'bao'],
    },
    'an expired token': {
      code: 'ERR_TOKEN_EXPIRED',
      says: /expired at/,
      put: async () => volume.rotate({ issuedAt: new Date(Date.now() - 7_200_000) }),
    },
    'what is no token': {
      code: 'ERR_TOKEN_MALFORMED',
      says: /three base64url parts/,
      put: async () => volume.corrupt('a-text-that-is-no-token-7d02'),
    },
  };

  it.each(Object.entries(CASES))('on %s, and says why, once', async (_, { code, says, put, asks = [] }) => {
    await put?.();
    const { exitCode, stdout, stderr } = await run(['wait', volume.path, ...asks, '--timeout', '0']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    const [waiting, gaveUp, ...rest] = stderr.split('\n');
    expect(waiting).toMatch(/^waiting: /);
    expect(waiting).toMatch(says);
    expect([gaveUp, ...rest]).toEqual([`projected-token: no acceptable token (${code}).`, '']);
  });

  it('that is not 0 after so long, and says how long', async () => {
    const waiting = CommandRun.piped(['wait', volume.path, '--timeout', '2.5']);
    await waiting.until(/waiting: /);
    await waiting.until(/projected-token: no acceptable token after 2\.5 s \(ERR_TOKEN_NOT_FOUND\)\.\n$/);
    expect(await waiting.exitCode).toBe(1);
  });

  it('on a token that it may not read, with mode and owner', async () => {
    volume = SecretVolume.unreadableForTest();
    await volume.rotate();
    const { exitCode, stderr } = await run(['wait', volume.directory, '--timeout', '0'], { asNobody: true });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/vault-token may not be read by this process \(mode 0\d00, owner uid \d+.*fsGroup/);
    expect(stderr).toContain('ERR_TOKEN_NOT_READABLE');
  });

  it('in lines that fit the terminal', async () => {
    await volume.rotate();
    const args = ['wait', volume.path, '--audience', 'bao', '--timeout', '0'];
    const { exitCode, stdout } = await runInTerminal(args, { columns: 60 });
    expect(exitCode).toBe(1);
    const lines = screenOf(stdout, 1000);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
    expect(lines.map((line) => line.trim()).join(' ')).toMatch(
      /^waiting: The token is for .* mount the token that has/,
    );
  });
});

describe('wait ends when it is interrupted', () => {
  it.each([
    ['SIGINT', 'piped', (waiting: CommandRun) => waiting.signal('SIGINT')],
    ['SIGTERM', 'piped', (waiting: CommandRun) => waiting.signal('SIGTERM')],
    ['Ctrl-C', 'inTerminal', (waiting: CommandRun) => waiting.press('\u0003')],
    ['SIGTERM', 'inTerminal', (waiting: CommandRun) => waiting.signal('SIGTERM')],
  ] as const)('by %s (%s)', async (_, how, interrupt) => {
    const waiting = CommandRun[how](['wait', volume.path]);
    await waiting.until(/waiting: /);
    interrupt(waiting);
    expect(await waiting.exitCode).toBe(1);
    expect(waiting.output).toMatch(/projected-token: interrupted\r?\n$/);
    expect(waiting.output).not.toContain('ERR_TOKEN_ABORTED');
  });
});
