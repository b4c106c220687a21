import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFsFromVolume, Volume } from 'memfs';
import { DEFAULT_TOKEN_DIRECTORY, ProjectedTokenProvider, type ProjectedTokenProviderOptions } from 'projected-token';
import { mintToken, TokenVolume } from 'projected-token/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const AT_ONCE = { readyTimeoutMs: 0 };

describe('open with nothing but defaults', () => {
  let fs: ReturnType<typeof createFsFromVolume>;

  beforeEach(() => {
    fs = createFsFromVolume(new Volume());
  });

  it('finds the one token under /var/run/secrets/tokens', async () => {
    expect(DEFAULT_TOKEN_DIRECTORY).toBe('/var/run/secrets/tokens');
    const token = await mintToken();
    new TokenVolume({ directory: DEFAULT_TOKEN_DIRECTORY, fs }).write(token);
    await using provider = await ProjectedTokenProvider.open({ fs });
    expect(await provider.getToken()).toBe(token);
    expect(provider.status.path).toBe(DEFAULT_TOKEN_DIRECTORY);
  });

  it('says that there is no such directory', async () => {
    await expect(ProjectedTokenProvider.open({ fs, ...AT_ONCE })).rejects.toMatchObject({
      code: 'ERR_TOKEN_NOT_FOUND',
      message: expect.stringContaining(DEFAULT_TOKEN_DIRECTORY),
    });
  });

  it('says what there is where there is no token', async () => {
    fs.mkdirSync(DEFAULT_TOKEN_DIRECTORY, { recursive: true });
    fs.writeFileSync(`${DEFAULT_TOKEN_DIRECTORY}/ca.crt`, '-----BEGIN CERTIFICATE-----');
    fs.writeFileSync(`${DEFAULT_TOKEN_DIRECTORY}/namespace`, 'shop');
    const error: Error = await ProjectedTokenProvider.open({ fs, ...AT_ONCE }).catch((error) => error);
    expect(error).toMatchObject({ code: 'ERR_TOKEN_NOT_FOUND' });
    expect(error.message).toContain('ca.crt');
    expect(error.message).toContain('namespace');
  });

  it('says which tokens there are where there are several', async () => {
    new TokenVolume({ directory: DEFAULT_TOKEN_DIRECTORY, fileName: 'aws-token', fs }).write(await mintToken());
    fs.writeFileSync(`${DEFAULT_TOKEN_DIRECTORY}/vault-token`, await mintToken());
    const error: Error = await ProjectedTokenProvider.open({ fs, ...AT_ONCE }).catch((error) => error);
    expect(error).toMatchObject({ code: 'ERR_TOKEN_AMBIGUOUS' });
    expect(error.message).toContain('aws-token');
    expect(error.message).toContain('vault-token');
  });
});

describe('an option that cannot work', () => {
  const wrong: [keyof ProjectedTokenProviderOptions, unknown][] = [
    ['path', ''],
    ['path', 7],
    ['audience', ''],
    ['audience', []],
    ['audience', ['vault', '']],
    ['audience', 7],
    ['issuer', []],
    ['subject', ''],
    ['clockToleranceSeconds', -1],
    ['clockToleranceSeconds', Number.NaN],
    ['expiryMarginSeconds', -1],
    ['expiryMarginSeconds', '10'],
    ['pollIntervalMs', 0],
    ['pollIntervalMs', Number.POSITIVE_INFINITY],
    ['readyTimeoutMs', -1],
  ];

  it.each(wrong)('%s: %j is named', async (option, value) => {
    expect(() => new ProjectedTokenProvider({ [option]: value })).toThrow(
      expect.objectContaining({ code: 'ERR_TOKEN_OPTION', option, message: expect.stringContaining(`"${option}"`) }),
    );
    await expect(ProjectedTokenProvider.open({ [option]: value })).rejects.toMatchObject({ code: 'ERR_TOKEN_OPTION' });
  });
});

describe('on the real file system', () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'open-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('a directory without a token, and one with two, are told apart', async () => {
    await expect(ProjectedTokenProvider.open({ path: directory, ...AT_ONCE })).rejects.toMatchObject({
      code: 'ERR_TOKEN_NOT_FOUND',
    });
    writeFileSync(join(directory, 'one'), await mintToken());
    writeFileSync(join(directory, 'two'), await mintToken());
    await expect(ProjectedTokenProvider.open({ path: directory, ...AT_ONCE })).rejects.toMatchObject({
      code: 'ERR_TOKEN_AMBIGUOUS',
    });
  });

  it('a fifo is not waited for', async () => {
    const { execFileSync } = await import('node:child_process');
    const path = join(directory, 'fifo');
    execFileSync('mkfifo', [path]);
    await expect(ProjectedTokenProvider.open({ path, ...AT_ONCE })).rejects.toMatchObject({
      code: 'ERR_TOKEN_NOT_A_FILE',
      path,
    });
  });
});
