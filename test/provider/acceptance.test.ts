import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { createLocalJWKSet } from 'jose';
import { createFsFromVolume, Volume } from 'memfs';
import { ProjectedTokenProvider, type ProjectedTokenProviderOptions, type TokenFileSystem } from 'projected-token';
import { mintedTokenKeys, mintToken, TokenIssuer, TokenVolume, type VolumeFileSystem } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inUse, nextEvent, recordEvents } from '../helpers/provider-events.js';

const EXPECTED: ProjectedTokenProviderOptions = {
  audience: ['vault', 'bao'],
  issuer: 'https://kubernetes.default.svc',
  subject: 'system:serviceaccount:default:build-robot',
};

const base64 = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const jwtOf = (header: unknown, payload: unknown) => `${base64(header)}.${base64(payload)}.${base64('signature')}`;
const HEADER = { alg: 'RS256', kid: 'key' };
const inAnHour = () => Math.floor(Date.now() / 1000) + 3600;
const ago = (seconds: number) => new Date(Date.now() - seconds * 1000);

/** What a file may hold that is no acceptable token, and what that is called. */
const UNACCEPTABLE: Record<string, { code: string; content: () => Promise<string | Buffer>; says?: RegExp }> = {
  'an empty file': { code: 'ERR_TOKEN_EMPTY', content: async () => '' },
  'white space': { code: 'ERR_TOKEN_EMPTY', content: async () => ' \r\n\t\n' },
  '1 MiB of noise': { code: 'ERR_TOKEN_TOO_LARGE', content: async () => 'x'.repeat(1024 * 1024) },
  '1 MiB of binary noise': { code: 'ERR_TOKEN_TOO_LARGE', content: async () => randomBytes(1024 * 1024) },
  'binary data': {
    code: 'ERR_TOKEN_MALFORMED',
    content: async () => Buffer.from([0, 255, 254, 0, 128, 46, 0, 46, 200]),
  },
  'one part': { code: 'ERR_TOKEN_MALFORMED', content: async () => 'token' },
  'two parts': { code: 'ERR_TOKEN_MALFORMED', content: async () => (await mintToken()).replace(/\.[^.]*$/, '') },
  'four parts': { code: 'ERR_TOKEN_MALFORMED', content: async () => `${await mintToken()}.more` },
  'bad base64': {
    code: 'ERR_TOKEN_MALFORMED',
    content: async () => `${base64(HEADER)}.!${base64({ exp: inAnHour() })}.c2ln`,
  },
  'bad JSON': { code: 'ERR_TOKEN_MALFORMED', content: async () => jwtOf(HEADER, '{"exp":') },
  'a payload that is no object': { code: 'ERR_TOKEN_MALFORMED', content: async () => jwtOf(HEADER, '[1]') },
  'a payload that is null': { code: 'ERR_TOKEN_MALFORMED', content: async () => jwtOf(HEADER, 'null') },
  'an exp that is no number': {
    code: 'ERR_TOKEN_MALFORMED',
    content: async () => jwtOf(HEADER, { aud: ['vault'], exp: 'tomorrow' }),
  },
  'no exp': {
    code: 'ERR_TOKEN_NO_EXPIRY',
    content: () => mintToken({ claims: { exp: undefined } }),
    says: /projected volume/,
  },
  'a legacy token of a Secret': {
    code: 'ERR_TOKEN_LEGACY',
    content: async () => (await TokenIssuer.create()).mintLegacy(),
    says: /Secret.*projected volume/s,
  },
  'another audience': {
    code: 'ERR_TOKEN_AUDIENCE',
    content: () => mintToken({ audience: 'https://kubernetes.default.svc' }),
    says: /"https:\/\/kubernetes\.default\.svc".*"vault", "bao".*serviceAccountToken\.audience/s,
  },
  'no audience': {
    code: 'ERR_TOKEN_AUDIENCE',
    content: () => mintToken({ claims: { aud: undefined } }),
    says: /\(none\)/,
  },
  'another issuer': {
    code: 'ERR_TOKEN_ISSUER',
    content: () => mintToken({ claims: { iss: 'https://elsewhere' } }),
    says: /"https:\/\/elsewhere", not "https:\/\/kubernetes\.default\.svc"/,
  },
  'another subject': {
    code: 'ERR_TOKEN_SUBJECT',
    content: () => mintToken({ serviceAccount: 'default' }),
    says: /"system:serviceaccount:default:default".*serviceAccountName/s,
  },
  'a token that is valid in the future only': {
    code: 'ERR_TOKEN_NOT_YET_VALID',
    content: () => mintToken({ issuedAt: ago(-120) }),
    says: /clock/,
  },
  'an expired token': {
    code: 'ERR_TOKEN_EXPIRED',
    content: () => mintToken({ issuedAt: ago(7200) }),
    says: /expired at .*terminating.*subPath/s,
  },
  'a token within the margin of its expiry': {
    code: 'ERR_TOKEN_EXPIRED',
    content: () => mintToken({ issuedAt: ago(3595) }),
    says: /within the margin of 10 s/,
  },
};

/** What a file may hold that is a good token all the same. */
const ACCEPTABLE: Record<string, (token: string) => Promise<{ content: string; value: string }>> = {
  'a trailing newline': async (token) => ({ content: `${token}\n`, value: token }),
  'a trailing CRLF': async (token) => ({ content: `${token}\r\n`, value: token }),
  'white space around it': async (token) => ({ content: `  ${token} \n`, value: token }),
  'its audience as a string': async () => same(await mintToken({ claims: { aud: 'vault' } })),
  'its audience among others': async () => same(await mintToken({ audience: ['other', 'bao'] })),
  'a clock that runs ahead within the tolerance': async () => same(await mintToken({ issuedAt: ago(-50) })),
  'no claims about its pod': async () => same(await mintToken({ claims: { 'kubernetes.io': undefined } })),
};
const same = (token: string) => ({ content: token, value: token });

const FILE_SYSTEMS: Record<string, () => { volume: TokenVolume; fs?: TokenFileSystem }> = {
  'on the real file system': () => ({ volume: TokenVolume.temporary(tmpdir()) }),
  'in memory': () => {
    const memory = createFsFromVolume(new Volume()) as unknown as TokenFileSystem & VolumeFileSystem;
    return { volume: new TokenVolume({ directory: '/mnt/tokens', fs: memory }), fs: memory };
  },
};

describe.each(Object.entries(FILE_SYSTEMS))('%s', (_, mount) => {
  let volume: TokenVolume;
  let fs: TokenFileSystem | undefined;
  let provider: ProjectedTokenProvider | undefined;

  beforeEach(() => {
    ({ volume, fs } = mount());
    provider = undefined;
  });
  afterEach(async () => {
    await provider?.close();
    volume.unmount();
  });

  const open = (options: ProjectedTokenProviderOptions = {}) =>
    ProjectedTokenProvider.open({ path: volume.path, fs, ...EXPECTED, ...options });

  describe.each(Object.entries(UNACCEPTABLE))('%s', (_, { code, content, says = /./ }) => {
    it('keeps open from resolving, and the reason is told', async () => {
      const text = await content();
      volume.corrupt(text);
      const error: Error = await open({ readyTimeoutMs: 0 }).catch((error) => error);
      expect(error).toMatchObject({ code, message: expect.stringMatching(says) });
      expectNoBytesOf(text, error);
    });

    it('leaves the last good token in use, and a good one after it is taken', async () => {
      const good = await mintToken();
      volume.write(good);
      provider = await open();
      const events = recordEvents(provider);
      const rejected = nextEvent(provider, 'rejected');
      volume.corrupt(await content());
      expect((await rejected).error).toMatchObject({ code, message: expect.stringMatching(says) });
      expect(provider.current?.value).toBe(good);
      expect(await provider.getToken()).toBe(good);
      expect(provider.status).toMatchObject({ state: 'ready', lastError: { code } });
      // Told once, however often it is seen.
      await provider.refresh();
      expect(events).toEqual(['rejected']);

      const next = await mintToken();
      volume.write(next);
      await inUse(provider, next);
      expect(provider.status.lastError).toBeUndefined();
      expect(events).toEqual(['rejected', 'rotated']);
    });
  });

  it.each(Object.entries(ACCEPTABLE))('takes a token with %s', async (_, make) => {
    const { content, value } = await make(await mintToken());
    volume.write(content);
    provider = await open();
    expect(await provider.getToken()).toBe(value);
  });

  it('waits in open for a good token in the place of a bad one', async () => {
    volume.corrupt();
    const opening = open();
    const token = await mintToken();
    volume.write(token);
    provider = await opening;
    expect(provider.current?.value).toBe(token);
  });

  it('checks the signature where it is asked to', async () => {
    const foreign = await TokenIssuer.create({ algorithm: 'RS256', newKey: true });
    const verify = createLocalJWKSet((await mintedTokenKeys()) as never);
    const good = await mintToken();
    volume.write(good);
    provider = await open({ verify });
    const rejected = nextEvent(provider, 'rejected');
    volume.write(await foreign.mint());
    expect((await rejected).error).toMatchObject({ code: 'ERR_TOKEN_SIGNATURE' });
    expect(await provider.getToken()).toBe(good);
  });
});

describe('a file that this process may not read', () => {
  // Root may read everything, so another uid has to try.
  it.skipIf(process.getuid?.() !== 0)(
    'is told with its mode and owner and the cure, and read once it may be',
    async () => {
      using volume = TokenVolume.temporary(tmpdir(), { mode: 0o600 });
      chmodSync(volume.directory, 0o755);
      volume.write(await mintToken());
      const main = fileURLToPath(new URL('../helpers/open-as-nobody.ts', import.meta.url));
      const child = fork(main, [volume.path], { execArgv: ['--import', 'tsx'] });
      const next = () =>
        new Promise<Record<string, string>>((resolve) => child.once('message', (m) => resolve(m as never)));
      const refusal = await next();
      expect(refusal).toMatchObject({ code: 'ERR_TOKEN_NOT_READABLE' });
      expect(refusal.message).toMatch(/0600/);
      expect(refusal.message).toMatch(/uid 65534/);
      expect(refusal.message).toContain('fsGroup');

      const recovered = next();
      chmodSync(volume.path, 0o644);
      expect(await recovered).toEqual({ state: 'ready' });
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.disconnect();
      await gone;
    },
  );
});

function expectNoBytesOf(content: string | Buffer, error: Error): void {
  const signature = String(content).trim().split('.').at(-1)!;
  if (signature.length < 8) return;
  expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`.includes(signature.slice(0, 40))).toBe(false);
}
