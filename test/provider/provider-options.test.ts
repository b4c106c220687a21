import nodeFs from 'node:fs';
import { resolve } from 'node:path';
import { createFsFromVolume, Volume } from 'memfs';
import { DEFAULT_TOKEN_DIRECTORY, InvalidOptionError, type ProjectedTokenProviderOptions } from 'projected-token';
import { describe, expect, it } from 'vitest';
import { resolveProviderOptions } from '../../src/provider/provider-options.js';
import { thrownBy } from '../helpers/thrown-by.js';

type Name = keyof ProjectedTokenProviderOptions;

describe('options', () => {
  it('that are left out have their defaults', () => {
    const defaults = {
      path: DEFAULT_TOKEN_DIRECTORY,
      expectation: { audiences: [], issuers: [], subjects: [], clockToleranceSeconds: 60, expiryMarginSeconds: 10 },
      pollIntervalMs: 10_000,
      readyTimeoutMs: 10_000,
      waitForToken: true,
      verify: undefined,
      fs: nodeFs,
      signal: undefined,
    };
    expect(resolveProviderOptions({})).toEqual(defaults);
    const names: Name[] = [
      'path',
      'audience',
      'issuer',
      'subject',
      'clockToleranceSeconds',
      'expiryMarginSeconds',
      'pollIntervalMs',
      'readyTimeoutMs',
      'verify',
      'fs',
      'signal',
    ];
    expect(resolveProviderOptions(Object.fromEntries(names.map((name) => [name, undefined])))).toEqual(defaults);
  });

  it('that are objects are taken as they are', () => {
    const fs = createFsFromVolume(new Volume()) as never;
    const verify = async () => ({});
    const { signal } = new AbortController();
    const resolved = resolveProviderOptions({ fs, verify, signal });
    expect(resolved.fs).toBe(fs);
    expect(resolved.verify).toBe(verify);
    expect(resolved.signal).toBe(signal);
  });

  it('have a path from the working directory at the time', () => {
    expect(resolveProviderOptions({ path: 'tokens/vault' }).path).toBe(resolve('tokens/vault'));
    expect(resolveProviderOptions({ path: '/mnt/../tokens//vault/' }).path).toBe('/tokens/vault');
  });

  it.each([
    ['audience', 'audiences'],
    ['issuer', 'issuers'],
    ['subject', 'subjects'],
  ] as const)('%s is a text or a list of such', (name, member) => {
    expect(resolveProviderOptions({ [name]: 'a' }).expectation[member]).toEqual(['a']);
    const list = ['a', 'b'];
    const { expectation } = resolveProviderOptions({ [name]: list });
    list.push('c');
    expect(expectation[member]).toEqual(['a', 'b']);
  });

  it.each<[Name, number[]]>([
    ['clockToleranceSeconds', [0, 0.5, 86_400]],
    ['expiryMarginSeconds', [0, 0.5, 86_400]],
    ['pollIntervalMs', [1, 2 ** 31 - 1]],
    ['readyTimeoutMs', [0, 2 ** 31 - 1]],
  ])('%s may be any of %j', (name, values) => {
    for (const value of values) {
      const { expectation, ...resolved } = resolveProviderOptions({ [name]: value });
      expect({ ...expectation, ...resolved }).toMatchObject({ [name]: value });
    }
  });
});

describe('an option that cannot work is named:', () => {
  const NO_TEXTS = ['', [], [''], ['a', ''], 7, null, {}, [7], true];
  const NO_SECONDS = [-1, 86_401, Number.NaN, Number.POSITIVE_INFINITY, '10', null, {}];

  it.each<[Name, unknown[], RegExp]>([
    ['path', ['', 7, null, {}, ['/mnt']], /path of a token file or of a mount directory/],
    ['audience', NO_TEXTS, /non-empty string or a list of such\. Leave it out to accept any/],
    ['issuer', NO_TEXTS, /non-empty string or a list of such/],
    ['subject', NO_TEXTS, /non-empty string or a list of such/],
    ['clockToleranceSeconds', NO_SECONDS, /number from 0 to 86400/],
    ['expiryMarginSeconds', NO_SECONDS, /number from 0 to 86400/],
    ['pollIntervalMs', [0, 0.5, -1, 2 ** 31, Number.NaN, '1', null], /number from 1 to 2147483647/],
    ['readyTimeoutMs', [-1, 2 ** 31, Number.NaN, '1', null], /number from 0 to 2147483647/],
  ])('%s is none of %j', (name, values, says) => {
    for (const value of values) {
      const error = thrownBy(() => resolveProviderOptions({ [name]: value }));
      expect(error).toBeInstanceOf(InvalidOptionError);
      expect(error).toMatchObject({ code: 'ERR_TOKEN_OPTION', option: name, message: expect.stringMatching(says) });
      expect(error.message).toContain(`The option "${name}" must be`);
    }
  });
});
