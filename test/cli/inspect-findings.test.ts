import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type MintOptions, TokenIssuer } from 'projected-token/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { type CommandRunOptions, run } from '../helpers/command-run.js';
import { SecretVolume } from '../helpers/secret-volume.js';
import { secretToken } from '../helpers/secrets.js';

const DAY_SECONDS = 86_400;

let volume: SecretVolume;
beforeEach(() => {
  volume = SecretVolume.forTest();
});

const ago = (seconds: number) => new Date(Date.now() - seconds * 1000);

/** A file beside the volume's own, as a subPath mount or an editor makes one. */
async function regularFile(options?: MintOptions): Promise<string> {
  const file = join(volume.directory, 'regular');
  writeFileSync(file, await secretToken(options));
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
  (options: MintOptions = {}, ...args: string[]) =>
  async () => {
    await volume.rotate(options);
    return [volume.path, ...args];
  };

/** Writes something else; the argument is its path. */
const content = (text: string) => async () => {
  volume.corrupt(text);
  return [volume.path];
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
      await volume.rotate();
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
    given: async () => [await regularFile({ issuedAt: ago(7200) })],
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
    given: async () => [await regularFile()],
    codes: ['REGULAR_FILE'],
    says: /not a link into a projected volume.*subPath, mount the whole volume/,
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
    given: content('a-secret-of-another-kind-51c8'),
    codes: ['ERR_TOKEN_MALFORMED'],
    says: /\/vault-token: .* three base64url parts .* Check that this is the path of the token/,
  },
  'what is too large': {
    given: content('x'.repeat(70_000)),
    codes: ['ERR_TOKEN_TOO_LARGE'],
    says: /larger than 64 KiB.*Check the argument/,
  },
  'a legacy token of a Secret': {
    given: async () => {
      volume.write(await (await TokenIssuer.create()).mintLegacy());
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
      volume = SecretVolume.forTest({ files: { bao: await secretToken(), 'ca.crt': '…' } });
      await volume.rotate();
      return [volume.directory];
    },
    codes: ['ERR_TOKEN_AMBIGUOUS'],
    says: /holds 2 tokens among bao, ca\.crt, vault-token\. Set the argument to the token file itself/,
  },
  'no token among the files of a directory': {
    given: async () => {
      volume = SecretVolume.forTest({ fileName: 'ca.crt', files: { namespace: 'shop' } });
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
      volume = SecretVolume.unreadableForTest();
      return token()();
    },
    codes: ['ERR_TOKEN_NOT_READABLE'],
    says: /\/vault-token may not be read .*\(mode 0\d00, owner uid \d+, gid \d+; process uid \d+, gid \d+\)\. Set securityContext\.fsGroup/,
    options: { asNobody: true },
  },
  'a token of a directory that this user may not read': {
    given: async () => {
      volume = SecretVolume.unreadableForTest();
      await volume.rotate();
      return [volume.directory];
    },
    codes: ['ERR_TOKEN_NOT_READABLE'],
    says: /\/vault-token may not be read .*\(mode 0\d00, .*fsGroup/,
    options: { asNobody: true },
  },
  'an auto-mounted volume that this user may not read': {
    given: async () => {
      volume = SecretVolume.unreadableForTest({ fileName: 'token', files: { 'ca.crt': '…', namespace: 'shop' } });
      await volume.rotate();
      return [volume.directory];
    },
    codes: ['ERR_TOKEN_NOT_READABLE'],
    says: /may not be read .*\(mode 0\d00, .*fsGroup/,
    options: { asNobody: true },
  },
  'a directory that this user may not search': {
    given: async () => {
      await volume.rotate();
      chmodSync(volume.directory, process.getuid?.() === 0 ? 0o700 : 0);
      return [volume.path];
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
