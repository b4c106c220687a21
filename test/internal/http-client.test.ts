import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { urlUnder } from '../../src/internal/url-under.js';
import { VERSION } from '../../src/internal/version.js';
import { closeAllAfterEach, connect, serve } from '../helpers/http-client-scene.js';
import { ok } from '../helpers/raw-server.js';

closeAllAfterEach();

describe('A request', () => {
  it('is sent as JSON with its headers, and the answer read to the end', async () => {
    const server = await serve((socket) => {
      socket.write(ok('{"received":true}', 'X-Request-Id: 7\r\n').slice(0, -9));
      setImmediate(() => socket.write(ok('{"received":true}').slice(-9)));
    });
    const url = new URL('/v1/login?a=b', server.origin);
    const answer = await connect().send(server.origin, {
      method: 'POST',
      url,
      headers: { 'X-A': '1' },
      json: { ü: 1 },
    });
    expect(answer).toMatchObject({ status: 200, text: '{"received":true}', headers: { 'x-request-id': '7' } });
    const [head, body] = Buffer.from(server.requests[0]!, 'latin1').toString().split('\r\n\r\n');
    expect(head).toMatch(/^POST \/v1\/login\?a=b HTTP\/1.1\r\n/);
    const headers = ['accept: application/json', 'x-a: 1', 'content-type: application/json', 'content-length: 8'];
    for (const header of headers) expect(head!.toLowerCase()).toContain(`\r\n${header}`);
    expect(body).toBe('{"ü":1}');
  });

  it('is sent as form fields, each encoded', async () => {
    const server = await serve((socket) => socket.write(ok('')));
    const form = new URLSearchParams([
      ['a b', 'ü&='],
      ['a b', '2'],
    ]);
    await connect().send(server.origin, { method: 'POST', form });
    const [head, body] = server.requests[0]!.split('\r\n\r\n');
    expect(head!.toLowerCase()).toContain('\r\ncontent-type: application/x-www-form-urlencoded');
    expect(body).toBe('a+b=%C3%BC%26%3D&a+b=2');
  });

  it('without a body has no type and no length', async () => {
    const server = await serve((socket) => socket.write(ok('')));
    await connect().send(server.origin);
    expect(server.requests[0]).toMatch(/^GET \/ HTTP/);
    expect(server.requests[0]).not.toMatch(/^content-/im);
  });

  it('says which client sends it', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(VERSION).toBe(version);
    const server = await serve((socket) => socket.write(ok('')));
    await connect().send(server.origin);
    expect(server.requests[0]).toMatch(new RegExp(`^user-agent: projected-token/${version}\r$`, 'im'));
  });

  it('may have an Accept of its own', async () => {
    const server = await serve((socket) => socket.write(ok('')));
    await connect().send(server.origin, { headers: { Accept: 'application/jwk-set+json' } });
    expect(server.requests[0]!.match(/^accept: .*$/gim)).toEqual(['Accept: application/jwk-set+json']);
  });

  it('does not follow a redirect', async () => {
    const redirect = 'HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n';
    const server = await serve((socket) => socket.write(redirect));
    expect(await connect().send(server.origin)).toMatchObject({ status: 307, headers: { location: '/elsewhere' } });
    expect(server.requests).toHaveLength(1);
  });

  it('has an answer with repeated headers, joined', async () => {
    const server = await serve((socket) => socket.write(ok('', 'X-A: 1\r\nX-A: 2\r\n')));
    expect((await connect().send(server.origin)).headers['x-a']).toBe('1, 2');
  });
});

describe('urlUnder', () => {
  it.each([
    ['https://vault.internal:8200', 'https://vault.internal:8200/v1/a'],
    ['https://vault.internal:8200/', 'https://vault.internal:8200/v1/a'],
    ['https://proxy.internal/vault', 'https://proxy.internal/vault/v1/a'],
    ['https://proxy.internal/vault/', 'https://proxy.internal/vault/v1/a'],
  ])('%s', (server, expected) => {
    expect(urlUnder(new URL(server), '/v1/a').href).toBe(expected);
  });
});
