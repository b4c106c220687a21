import { chmodSync, closeSync, existsSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BoundToken } from 'projected-token';
import { TokenIssuer, TokenVolume, type TokenVolumeOptions } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CommandRunOptions, run, runInTerminal } from '../helpers/command-run.js';
import { screenOf } from '../helpers/screen.js';
import { secret, secretToken } from '../helpers/secrets.js';

const DAY_SECONDS = 86_400;
const ROOT_MAY_READ = { mode: process.getuid?.() === 0 ? 0o600 : 0 };

let volume: TokenVolume;
beforeEach(() => mount());
afterEach(() => volume.unmount());

function mount(options: Omit<TokenVolumeOptions, 'directory'> = {}): void {
  volume?.unmount();
  volume = TokenVolume.temporary(tmpdir(), options);
  chmodSync(volume.directory, 0o755);
}

const ago = (seconds: number) => new Date(Date.now() - seconds * 1000);

/** A file beside the volume's own, as a subPath mount or an editor makes one. */
function regularFile(content: string): string {
  const file = join(volume.directory, 'regular');
  writeFileSync(file, secret(content));
  return file;
}

interface Case {
  /** Puts things in place; gives the arguments. */
  readonly given: () => Promise<string[]>;
  /** Codes of the findings. */
  readonly codes: readonly string[];
  /** Of the first finding: what is wrong, and the cure. */
  readonly says?: RegExp;
  readonly options?: CommandRunOptions;
}

/** Writes a token; the arguments are its path and these. */
const token =
  (options: Parameters<typeof secretToken>[0] = {}, ...args: string[]) =>
  async () => {
    volume.write(await secretToken(options));
    return [volume.path, ...args];
  };

const CASES: Record<string, Case> = {
  'a good token': { given: token(), codes: [] },
  'a good token that is what was asked for': {
    given: token(
      {},
      ...['--audience', 'bao', '--audience', 'vault', '--issuer', 'https://kubernetes.default.svc'],
      ...['--subject', 'system:serviceaccount:default:build-robot'],
    ),
    codes: [],
  },
  'a good token of a directory': {
    given: async () => {
      await token()();
      return [volume.directory];
    },
    codes: [],
  },
  'another audience': {
    given: token({}, '--audience', 'bao', '--audience', 'consul'),
    codes: ['ERR_TOKEN_AUDIENCE'],
    says: /for the audience "vault", not for "bao", "consul"\. Set serviceAccountToken\.audience/,
  },
  'no audience': {
    given: token({ claims: { aud: undefined } }, '--audience', 'vault'),
    codes: ['ERR_TOKEN_AUDIENCE'],
    says: /for the audience \(none\), not for "vault"/,
  },
  'another issuer': {
    given: token({}, '--issuer', 'https://elsewhere'),
    codes: ['ERR_TOKEN_ISSUER'],
    says: /"https:\/\/kubernetes\.default\.svc", not "https:\/\/elsewhere"\..*--service-account-issuer/,
  },
  'another subject': {
    given: token({}, '--subject', 'system:serviceaccount:shop:till'),
    codes: ['ERR_TOKEN_SUBJECT'],
    says: /default:build-robot", not "system:serviceaccount:shop:till"\. Set serviceAccountName/,
  },
  'an expired token': {
    given: token({ issuedAt: ago(7200) }),
    codes: ['ERR_TOKEN_EXPIRED'],
    says: /expired at .*terminating.*subPath.*events/,
  },
  'an expired token in a file that no kubelet replaces': {
    given: async () => [regularFile(await secretToken({ issuedAt: ago(7200) }))],
    codes: ['ERR_TOKEN_EXPIRED', 'REGULAR_FILE'],
  },
  'a token whose rotation is overdue': {
    given: token({ expiresInSeconds: 1.25 * DAY_SECONDS, issuedAt: ago(1.1 * DAY_SECONDS) }),
    codes: ['ROTATION_OVERDUE'],
    says: /should have been replaced by now.*terminating.*events/,
  },
  'an extended token past its warnafter': {
    given: token({ extended: true, issuedAt: ago(4000) }),
    codes: ['ROTATION_OVERDUE'],
  },
  'a token that is not yet valid': {
    given: token({ issuedAt: ago(-600) }),
    codes: ['ERR_TOKEN_NOT_YET_VALID'],
    says: /valid from .* on \(claim "nbf"\).*Check the clocks/,
  },
  'a file that no kubelet replaces, such as a subPath mount': {
    given: async () => [regularFile(await secretToken())],
    codes: ['REGULAR_FILE'],
    says: /no link into a projected volume.*subPath, mount the whole volume/,
  },
  'an empty file': {
    given: async () => {
      volume.corrupt('');
      return [volume.directory];
    },
    codes: ['ERR_TOKEN_EMPTY'],
    says: /\/vault-token is empty\..*find out what did/,
  },
  'what is no JWT': {
    given: async () => {
      volume.corrupt(secret('sk_live_51H8vQ2eZvKYlo2C'));
      return [volume.path];
    },
    codes: ['ERR_TOKEN_MALFORMED'],
    says: /\/vault-token: .* three base64url parts .* Check that this is the path of the token/,
  },
  'what is too large': {
    given: async () => {
      volume.corrupt('x'.repeat(70_000));
      return [volume.path];
    },
    codes: ['ERR_TOKEN_TOO_LARGE'],
    says: /larger than 64 KiB.*Check the option "path"/,
  },
  'a legacy token of a Secret': {
    given: async () => {
      volume.write(secret(await (await TokenIssuer.create()).mintLegacy()));
      return [volume.path];
    },
    codes: ['ERR_TOKEN_LEGACY'],
    says: /legacy token from a Secret.*Mount a bound token instead: a projected volume/,
  },
  'a token without expiry': {
    given: token({ claims: { exp: undefined } }),
    codes: ['ERR_TOKEN_NO_EXPIRY'],
    says: /no expiry.*Mount one: a projected volume/,
  },
  'several tokens in a directory': {
    given: async () => {
      mount({ files: { bao: await secretToken(), 'ca.crt': 'certificate' } });
      await token()();
      return [volume.directory];
    },
    codes: ['ERR_TOKEN_AMBIGUOUS'],
    says: /holds 2 tokens among bao, ca\.crt, vault-token\. Set .* "path" to the token file itself/,
  },
  'no token among the files of a directory': {
    given: async () => {
      mount({ fileName: 'ca.crt', files: { namespace: 'shop' } });
      volume.write('certificate');
      return [volume.directory];
    },
    codes: ['ERR_TOKEN_NOT_FOUND'],
    says: /holds no token among ca\.crt, namespace/,
  },
  'an empty directory': {
    given: async () => [volume.directory],
    codes: ['ERR_TOKEN_NOT_FOUND'],
    says: /is empty: no token was projected into it\. Add a serviceAccountToken source/,
  },
  'a missing directory': {
    given: async () => {
      volume.unmount();
      return [volume.directory];
    },
    codes: ['ERR_TOKEN_NOT_FOUND'],
    says: /does not exist\. Mount a projected volume with a serviceAccountToken source/,
  },
  'a directory in the place of the token': {
    given: async () => {
      mkdirSync(join(volume.directory, 'folder'));
      return [volume.directory];
    },
    codes: ['ERR_TOKEN_NOT_A_FILE'],
    says: /\/folder is not a regular file/,
  },
  'a token that this user may not read': {
    given: async () => {
      mount(ROOT_MAY_READ);
      return token()();
    },
    codes: ['ERR_TOKEN_NOT_READABLE'],
    says: /\/vault-token may not be read .*\(mode 0\d00, owner uid \d+, gid \d+; process uid \d+, gid \d+\)\. Set securityContext\.fsGroup/,
    options: { asNobody: true },
  },
  'a token of a directory that this user may not read': {
    given: async () => {
      mount(ROOT_MAY_READ);
      await token()();
      return [volume.directory];
    },
    codes: ['ERR_TOKEN_NOT_READABLE'],
    says: /\/vault-token may not be read .*\(mode 0\d00, .*fsGroup/,
    options: { asNobody: true },
  },
  'an auto-mounted volume that this user may not read': {
    given: async () => {
      mount({ ...ROOT_MAY_READ, fileName: 'token', files: { 'ca.crt': 'certificate', namespace: 'shop' } });
      await token()();
      return [volume.directory];
    },
    codes: ['ERR_TOKEN_NOT_READABLE'],
    says: /may not be read .*\(mode 0\d00, .*fsGroup/,
    options: { asNobody: true },
  },
  'a directory that this user may not search': {
    given: async () => {
      const args = await token()();
      chmodSync(volume.directory, process.getuid?.() === 0 ? 0o700 : 0);
      return args;
    },
    codes: ['ERR_TOKEN_NOT_READABLE'],
    says: /\/vault-token may not be read .*\(a directory above it cannot be searched; process uid/,
    options: { asNobody: true },
  },
};

describe.each(Object.entries(CASES))('%s', (_, { given, codes, says = /./, options }) => {
  const exitCode = codes.some((code) => code.startsWith('ERR_')) ? 1 : 0;

  it(`is told, and exit code ${exitCode} says so`, async () => {
    const result = await run(['inspect', ...(await given())], options);
    expect(result).toMatchObject({ exitCode, stderr: '' });
    const findings = [...result.stdout.matchAll(/^(error|warning) (\w+)\n {2}(.+)$/gm)];
    expect(findings.map(([, severity, code]) => [severity, code])).toEqual(
      codes.map((code) => [code.startsWith('ERR_') ? 'error' : 'warning', code]),
    );
    if (codes.length === 0) expect(result.stdout).toMatch(/\n\nThe token is acceptable\.\n$/);
    else expect(findings[0]![3]).toMatch(says);
  });

  it('is told as JSON', async () => {
    const result = await run(['inspect', '--json', ...(await given())], options);
    expect(result).toMatchObject({ exitCode, stderr: '' });
    const { findings, ...diagnosis } = JSON.parse(result.stdout);
    expect(findings).toEqual(
      codes.map((code, index) => ({
        severity: code.startsWith('ERR_') ? 'error' : 'warning',
        code,
        message: expect.stringMatching(index === 0 ? says : /./),
      })),
    );
    expect(diagnosis.file.startsWith(diagnosis.path)).toBe(true);
    expect(diagnosis).not.toHaveProperty('value');
  });
});

describe('a token in a terminal', () => {
  it('is shown with what it is, for whom, and how old', async () => {
    const issuedAt = new Date(Math.floor(Date.now() / 1000 - DAY_SECONDS / 2 - 30) * 1000);
    const given = await secretToken({ pod: 'shop-7d9', node: 'node-1', expiresInSeconds: DAY_SECONDS, issuedAt });
    volume.write(given);
    const bound = BoundToken.parse(given);
    const { exitCode, stdout } = await runInTerminal(['inspect', volume.path], { columns: 100 });
    expect(exitCode).toBe(0);
    const moment = (date: Date | undefined) => date!.toISOString().replace('.000Z', 'Z');
    expect(screenOf(stdout, 100)).toEqual([
      `file        ${volume.path}`,
      `            projected volume, mode 0644, uid ${process.getuid!()}, gid ${process.getgid!()}`,
      `token       ${bound.fingerprint}`,
      'audience    vault',
      'issuer      https://kubernetes.default.svc',
      'subject     system:serviceaccount:default:build-robot',
      `pod         shop-7d9 (uid ${bound.pod!.uid})`,
      `node        node-1 (uid ${bound.node!.uid})`,
      `issued      ${moment(bound.issuedAt)} (12 h ago)`,
      `refresh     ${moment(bound.refreshAt)} (in 7 h 11 min)`,
      `expires     ${moment(bound.expiresAt)} (in 11 h 59 min)`,
      'life        ████████████████████░░░░░░░░░░░░┃░░░░░░░  50 %  ┃ refresh',
      '',
      'The token is acceptable.',
      '',
    ]);
  });

  it.each([
    { age: 'new', share: 0, colour: 32, bar: `${'░'.repeat(32)}┃${'░'.repeat(7)}   0 %` },
    { age: 'due for refresh', share: 0.9, colour: 33, bar: `${'█'.repeat(32)}┃███░░░░  90 %` },
    { age: 'expired', share: 1.5, colour: 31, bar: `${'█'.repeat(32)}┃${'█'.repeat(7)} 100 %` },
  ])('has a bar of its own colour when it is $age', async ({ share, colour, bar }) => {
    await token({ expiresInSeconds: DAY_SECONDS, issuedAt: ago(share * DAY_SECONDS) })();
    const { stdout } = await runInTerminal(['inspect', volume.path]);
    const [cells, percent] = [bar.slice(0, 40), bar.slice(40)];
    expect(stdout).toContain(`life        \u001b[${colour}m${cells}\u001b[39m${percent}`);
  });

  it.each([
    ['NO_COLOR', { NO_COLOR: '1' }],
    ['a dumb terminal', { TERM: 'dumb' }],
  ])('has no colours with %s', async (_, env) => {
    await token({ issuedAt: ago(7200) })();
    const { stdout } = await runInTerminal(['inspect', volume.path], { env });
    expect(stdout).toContain('error ERR_TOKEN_EXPIRED');
    expect(stdout).not.toContain('\u001b');
  });

  it.each([20, 40, 60, 200])('fits %i columns without a broken word', async (columns) => {
    await token({ issuedAt: ago(7200), audience: ['vault', 'bao', 'consul', 'nomad', 'boundary'] })();
    const { stdout } = await runInTerminal(['inspect', volume.path], { columns });
    const [narrow, wide] = [screenOf(stdout, columns), screenOf(stdout, 1000)];
    const isOneWord = (line: string) => !line.slice(12).includes(' ');
    const tooLong = wide.filter((line) => line.length > Math.min(columns, 100) && !isOneWord(line));
    expect(tooLong.filter((line) => !line.startsWith('life'))).toEqual([]);
    expect(wide.join(' ').replace(/\s+/g, ' ')).toContain('vault, bao, consul, nomad, boundary issuer');
    if (columns >= 40) expect(narrow.find((line) => line.startsWith('life'))).toMatch(/[█┃]{9,40} 100 % {2}┃ refresh$/);
  });
});

const HOSTILE = '\u001b[2J\u001b]0;title\u0007\u009b31m\r\n\u202eevil\u2028\u{e0001}';
const HARMLESS = /\ufffd\[2J\ufffd\]0;title\ufffd\ufffd31m\ufffd+evil\ufffd\ufffd/;

describe('text that would control the terminal', () => {
  const hostileToken = () =>
    secretToken({ audience: HOSTILE, pod: HOSTILE, node: HOSTILE, claims: { iss: HOSTILE, sub: HOSTILE } });

  it('is made harmless in claims', async () => {
    volume.write(await hostileToken());
    const { stdout } = await runInTerminal(['inspect', volume.path], { columns: 200 });
    const shown = screenOf(stdout, 200);
    for (const label of ['audience', 'issuer', 'subject', 'pod', 'node']) {
      expect(shown.find((line) => line.startsWith(label))).toMatch(HARMLESS);
    }
  });

  it('is made harmless in findings about claims', async () => {
    volume.write(await hostileToken());
    const { stdout } = await runInTerminal(['inspect', volume.path, '--issuer', 'a'], { columns: 200 });
    expect(screenOf(stdout, 200).join('\n')).toMatch(/ERR_TOKEN_ISSUER\n.*evil/);
  });

  it.each(['a missing file', 'a token file'])('is made harmless in the path of %s', async (kind) => {
    mount({ fileName: `file${HOSTILE}` });
    if (kind === 'a token file') volume.write(await secretToken());
    const { stdout } = await runInTerminal(['inspect', volume.path], { columns: 200 });
    expect(screenOf(stdout, 200)[0]).toMatch(HARMLESS);
  });

  it('is escaped in JSON, which stays the same', async () => {
    volume.write(await hostileToken());
    const { stdout } = await runInTerminal(['inspect', volume.path, '--json'], { columns: 1000 });
    const shown = screenOf(stdout, 1000).join('\n');
    expect(JSON.parse(shown).token).toMatchObject({ audiences: [HOSTILE], issuer: HOSTILE, pod: { name: HOSTILE } });
  });
});

describe('--json', () => {
  it('tells what is known of the file and the token', async () => {
    const given = await secretToken({ pod: 'shop-7d9' });
    volume.write(given);
    const { stdout } = await run(['inspect', volume.directory, '--json']);
    const bound = BoundToken.parse(given);
    expect(JSON.parse(stdout)).toEqual({
      path: volume.directory,
      file: volume.path,
      kind: 'projected',
      mode: '0644',
      uid: process.getuid!(),
      gid: process.getgid!(),
      token: JSON.parse(JSON.stringify(bound)),
      findings: [],
    });
  });
});

describe('--show-token', () => {
  it('prints the token on a line of its own', async () => {
    const given = await secretToken();
    volume.write(given);
    const { stdout } = await run(['inspect', volume.path, '--show-token']);
    expect(stdout.split('\n').slice(-3)).toEqual(['', given, '']);
  });

  it('adds it to JSON', async () => {
    const given = await secretToken();
    volume.write(given);
    const { stdout } = await run(['inspect', volume.path, '--show-token', '--json']);
    expect(JSON.parse(stdout).value).toBe(given);
  });

  it('prints no token that could not be read', async () => {
    volume.corrupt('no-token-at-all');
    const { stdout } = await run(['inspect', volume.path, '--show-token']);
    expect(stdout).not.toContain('no-token-at-all');
  });
});

describe('an output that cannot be written to', () => {
  it('ends quietly when nobody reads it', async () => {
    await token()();
    const script = '{ "$@"; echo "exit code $?" >&2; } | exec true';
    const { stderr } = await run(['inspect', volume.path], { script });
    expect(stderr).toBe('exit code 0\n');
  });

  it.skipIf(!existsSync('/dev/full'))('is told in one line when the disk is full', async () => {
    await token()();
    const stdout = openSync('/dev/full', 'w');
    const { exitCode, stderr } = await run(['inspect', volume.path], { stdout });
    closeSync(stdout);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^projected-token: ENOSPC[^\n]*\n$/);
  });
});
