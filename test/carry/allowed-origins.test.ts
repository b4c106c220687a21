import { describe, expect, it } from 'vitest';
import { AllowedOrigins, isLoopback, parseUrl } from '../../src/carry/allowed-origins.js';

describe('a listed origin', () => {
  it.each([
    ['https://vault.internal:8200', 'https://vault.internal:8200/v1/secret'],
    ['https://vault.internal:8200/', 'https://vault.internal:8200'],
    ['https://vault.internal', 'https://vault.internal:443/v1'],
    ['https://vault.internal:443', 'https://vault.internal/v1'],
    ['http://vault.internal:80', 'http://vault.internal/v1'],
    ['https://VAULT.Internal', 'https://vault.internal'],
    ['https://vault.internal', 'HTTPS://Vault.INTERNAL'],
    ['https://vault.internal', 'https://user:password@vault.internal/'],
    ['https://vault.internal', 'https://vault.internal/path?query#fragment'],
    ['https://[2001:db8::1]:8200', 'https://[2001:0db8:0:0::1]:8200/v1'],
    ['https://127.1', 'https://127.0.0.1'],
    ['https://0x7f000001', 'https://127.0.0.1'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['https://vault.internal.', 'https://vault.internal.'],
    [' https://vault.internal ', 'https://vault.internal'],
    [new URL('https://vault.internal'), 'https://vault.internal'],
  ])('%s allows %s', (listed, url) => {
    expect(new AllowedOrigins([listed]).has(new URL(url))).toBe(true);
  });

  it.each([
    ['https://vault.internal:8200', 'https://vault.internal'],
    ['https://vault.internal:8200', 'https://vault.internal:8201'],
    ['https://vault.internal', 'http://vault.internal'],
    ['http://vault.internal', 'https://vault.internal'],
    ['http://vault.internal:443', 'https://vault.internal'],
    ['https://vault.internal', 'https://vault.internal.'],
    ['https://vault.internal', 'https://vault.internal.evil.example'],
    ['https://vault.internal', 'https://evil.example/vault.internal'],
    ['https://vault.internal', 'https://vault.internal@evil.example'],
    ['https://vault.internal', 'https://sub.vault.internal'],
    ['https://sub.vault.internal', 'https://vault.internal'],
    ['https://[2001:db8::1]', 'https://[2001:db8::2]'],
    ['https://127.0.0.1', 'https://localhost'],
    ['https://vault.internal', 'wss://vault.internal'],
    ['https://vault.internal', 'ftp://vault.internal'],
    ['https://vault.internal', 'data:text/plain,token'],
    ['https://vault.internal', 'file:///etc/passwd'],
  ])('%s does not allow %s', (listed, url) => {
    expect(new AllowedOrigins([listed]).has(new URL(url))).toBe(false);
  });

  it('is one of several', () => {
    const origins = new AllowedOrigins(['https://a.example', 'https://b.example']);
    expect(
      ['https://a.example', 'https://b.example', 'https://c.example'].map((url) => origins.has(new URL(url))),
    ).toEqual([true, true, false]);
  });

  it.each([
    ['', '""'],
    ['vault.internal', '"vault.internal"'],
    ['vault.internal:8200', '"vault.internal:8200"'],
    ['//vault.internal', '"//vault.internal"'],
    ['*', '"*"'],
    ['https://*.internal:port', '"https://*.internal:port"'],
    ['null', '"null"'],
    ['ftp://vault.internal', '"ftp://vault.internal"'],
    ['file:///etc', '"file:///etc"'],
    ['https://', '"https://"'],
    [undefined, '"undefined"'],
    [7, '"7"'],
  ])('that is none (%j) is refused, and shown', (listed, shown) => {
    expect(() => new AllowedOrigins([listed as string])).toThrow(
      expect.objectContaining({
        code: 'ERR_TOKEN_OPTION',
        option: 'origins',
        message: expect.stringContaining(`${shown} is not an origin`),
      }),
    );
  });

  it.each([
    'https://vault.internal/v1',
    'https://vault.internal/?query',
    'https://vault.internal/#fragment',
    'https://user@vault.internal',
    'https://:password@vault.internal',
  ])('%s with more than scheme, host and port is refused, for the rest would not count', (listed) => {
    expect(() => new AllowedOrigins([listed])).toThrow(
      expect.objectContaining({
        code: 'ERR_TOKEN_OPTION',
        option: 'origins',
        message: expect.stringMatching(/^"https:\/\/vault\.internal" was listed with more than scheme, host and port/),
      }),
    );
  });

  it.each([
    ['ftp://user:secret@vault.internal', 'ftp://…@vault.internal'],
    ['https://user:secret@vault:port', 'https://…@vault:port'],
    ['x://secret@y@z', 'x://…@z'],
  ])('that is none (%s) is shown without the credentials in it', (listed, shown) => {
    expect(() => new AllowedOrigins([listed])).toThrow(
      expect.objectContaining({ message: expect.stringContaining(`"${shown}" is not an origin`) }),
    );
  });

  it('that is none is not shown at any length', () => {
    expect(() => new AllowedOrigins(['x'.repeat(10_000)])).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^"x{100}" is not an origin/) }),
    );
  });

  it('is all but optional: without one, no request could carry the token', () => {
    for (const origins of [undefined, []]) {
      expect(() => new AllowedOrigins(origins)).toThrow(
        expect.objectContaining({
          code: 'ERR_TOKEN_OPTION',
          option: 'origins',
          message: expect.stringContaining('No origin'),
        }),
      );
    }
  });
});

describe('a URL', () => {
  const origins = new AllowedOrigins(['https://a.example']);

  it.each([
    ['https://a.example', true],
    ['https://a.example:443/path?query#hash', true],
    ['https://user:password@a.example/', true],
    ['HTTPS://A.EXAMPLE/', true],
    ['http://a.example/', false],
    ['https://a.example:8443/', false],
    ['https://a.example.evil.example/', false],
    ['https://a.example@evil.example/', false],
    ['https://a.example:443@evil.example/', false],
    ['https://evil.example/https://a.example/', false],
    ['https:a.example.evil.example/', false],
  ])('%s is of https://a.example: %j, given as an object or as text', (text, isOfIt) => {
    expect([origins.has(new URL(text)), origins.has(text)]).toEqual([isOfIt, isOfIt]);
  });
});

describe('a base URL', () => {
  it.each([
    ['https://vault.internal:8200/v1/', 'https://vault.internal:8200'],
    ['https://user:password@vault.internal', 'https://vault.internal'],
    ['http://localhost:8200/v1', 'http://localhost:8200'],
    ['http://127.0.0.1:8200', 'http://127.0.0.1:8200'],
    ['http://127.9.9.9', 'http://127.9.9.9'],
    ['http://[::1]:8200', 'http://[::1]:8200'],
  ])('%s counts as listed', (baseUrl, origin) => {
    expect(new AllowedOrigins(undefined, baseUrl).has(new URL(origin))).toBe(true);
  });

  it('counts beside those that are listed', () => {
    const origins = new AllowedOrigins(['https://b.example'], 'https://a.example/api');
    expect(origins.has(new URL('https://a.example'))).toBe(true);
    expect(origins.has(new URL('https://b.example'))).toBe(true);
  });

  it.each([
    'http://vault.internal:8200/v1',
    'http://vault.localhost',
    'http://localhost.evil.example',
    'http://128.0.0.1',
    'http://[::2]',
  ])('%s in clear text is refused', (baseUrl) => {
    expect(() => new AllowedOrigins(['https://other.example'], baseUrl)).toThrow(
      expect.objectContaining({
        code: 'ERR_TOKEN_ORIGIN',
        message: expect.stringContaining(`origin ${new URL(baseUrl).origin} would carry the token`),
      }),
    );
  });

  it('in clear text is allowed when that very origin is listed', () => {
    const origins = new AllowedOrigins(['http://vault.internal:8200'], 'http://vault.internal:8200/v1');
    expect(origins.has(new URL('http://vault.internal:8200'))).toBe(true);
  });

  it.each(['/v1', '', 'ftp://vault.internal', 'not a url'])(
    '%j that is no whole one of HTTP adds nothing',
    (baseUrl) => {
      expect(new AllowedOrigins(['https://a.example'], baseUrl).has(new URL('https://a.example'))).toBe(true);
      expect(() => new AllowedOrigins([], baseUrl)).toThrow(expect.objectContaining({ code: 'ERR_TOKEN_OPTION' }));
    },
  );
});

describe('loopback', () => {
  it.each([
    ['http://localhost', true],
    ['http://LOCALHOST:80', true],
    ['http://a.b.localhost', false],
    ['http://127.0.0.1', true],
    ['http://127.255.255.254', true],
    ['http://127.1', true],
    ['http://2130706433', true],
    ['http://[::1]', true],
    ['http://[0:0:0:0:0:0:0:1]', true],
    ['http://localhost.', false],
    ['http://localhost.example', false],
    ['http://mylocalhost', false],
    ['http://127.0.0.1.example', false],
    ['http://a127.0.0.1.example', false],
    ['http://126.0.0.1', false],
    ['http://[::2]', false],
    ['http://[::ffff:127.0.0.1]', false],
    ['http://0.0.0.0', false],
  ])('%s: %s', (url, expected) => {
    expect(isLoopback(new URL(url))).toBe(expected);
  });
});

describe('parseUrl', () => {
  it.each([
    ['https://a.example/x', undefined, 'https://a.example/x'],
    ['/x', undefined, undefined],
    ['/x', 'https://a.example/y/z', 'https://a.example/x'],
    ['x', 'https://a.example/y/z', 'https://a.example/y/x'],
    ['http://[', 'https://a.example', undefined],
  ])('%j from %j is %j', (text, base, href) => {
    expect(parseUrl(text, base === undefined ? undefined : new URL(base))?.href).toBe(href);
  });
});
