import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { rejectionOf } from '../helpers/federation.js';
import { closeAllAfterEach, connect, serve } from '../helpers/http-client-scene.js';
import { ok, type RawServer } from '../helpers/raw-server.js';

closeAllAfterEach();

const MEGABYTE = 1024 * 1024;
const JSON_TEXT = '{"keys":["ä"]}';

/** A server that answers with these bytes. */
function serveBytes(bytes: Buffer, contentEncoding: string): Promise<RawServer> {
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\nContent-Encoding: ${contentEncoding}\r\n\r\n`;
  return serve((socket) => socket.write(Buffer.concat([Buffer.from(head), bytes])));
}

describe('The body of an answer', () => {
  it.each([
    ['gzip', gzipSync(JSON_TEXT)],
    ['x-gzip', gzipSync(JSON_TEXT)],
    ['GZIP', gzipSync(JSON_TEXT)],
    ['deflate', deflateSync(JSON_TEXT)],
    ['deflate', deflateRawSync(JSON_TEXT)],
    ['br', brotliCompressSync(JSON_TEXT)],
    ['identity', Buffer.from(JSON_TEXT)],
    ['gzip, br', brotliCompressSync(gzipSync(JSON_TEXT))],
    ['gzip', Buffer.alloc(0)],
  ])('may come as %s', async (contentEncoding, bytes) => {
    const server = await serveBytes(bytes, contentEncoding);
    const { text } = await connect().send(server.origin);
    expect(text).toBe(bytes.length === 0 ? '' : JSON_TEXT);
    expect(server.requests[0]).toMatch(/^accept-encoding: gzip, deflate, br\r$/im);
  });

  it('may begin with a byte order mark', async () => {
    const server = await serve((socket) => socket.write(ok(`\uFEFF${JSON_TEXT}`)));
    expect(JSON.parse((await connect().send(server.origin)).text)).toEqual({ keys: ['ä'] });
  });

  it('may have a megabyte, and no more', async () => {
    let length = MEGABYTE;
    const server = await serve((socket) => socket.write(ok('a'.repeat(length))));
    const { send } = connect();
    expect((await send(server.origin)).text).toHaveLength(MEGABYTE);
    length++;
    expect((await rejectionOf(send(server.origin))).message).toBe(
      `the body of the answer is longer than ${MEGABYTE} bytes.`,
    );
  });

  it('without end is left at a megabyte', async () => {
    let sent = 0;
    const chunk = `10000\r\n${'a'.repeat(0x10000)}\r\n`;
    const server = await serve((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      const more = () => {
        while (!socket.destroyed && sent++ < 11_200) if (!socket.write(chunk)) return;
      };
      socket.on('drain', more);
      more();
    });
    const error = await rejectionOf(connect().send(server.origin));
    expect(error.message).toBe(`the body of the answer is longer than ${MEGABYTE} bytes.`);
    await expect.poll(() => server.openConnections).toBe(0);
    // Of 700 MB; the rest is what buffers hold.
    expect(sent * 0x10000).toBeLessThan(100 * MEGABYTE);
  });

  it.each([
    ['gzip', gzipSync(Buffer.alloc(700 * MEGABYTE))],
    ['gzip, gzip', gzipSync(gzipSync(Buffer.alloc(700 * MEGABYTE)))],
    ['br', brotliCompressSync(Buffer.alloc(700 * MEGABYTE))],
  ])('of 700 MB compressed with %s is not read into memory', async (contentEncoding, bomb) => {
    const server = await serveBytes(bomb, contentEncoding);
    const before = process.memoryUsage().rss;
    const error = await rejectionOf(connect().send(server.origin));
    expect(error.message).toBe(`the body of the answer is longer than ${MEGABYTE} bytes.`);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * MEGABYTE);
  });

  it.each([
    [
      'is cut off',
      'gzip',
      gzipSync(JSON_TEXT).subarray(0, -9),
      /^the body of the answer cannot be decompressed \(Z_BUF_ERROR\)\.$/,
    ],
    [
      'is not compressed',
      'gzip',
      Buffer.from(JSON_TEXT),
      /^the body of the answer cannot be decompressed \(Z_DATA_ERROR\)\.$/,
    ],
    [
      'has an unknown coding',
      'zstd',
      Buffer.from(JSON_TEXT),
      /^the body of the answer has a content coding that was not asked for\.$/,
    ],
    [
      'has too many codings',
      'gzip, gzip, gzip',
      Buffer.from(JSON_TEXT),
      /^the body of the answer has a content coding that/,
    ],
    [
      'has the name of a method',
      'constructor',
      Buffer.from(JSON_TEXT),
      /^the body of the answer has a content coding that/,
    ],
  ])('that %s is an error', async (_what, contentEncoding, bytes, message) => {
    const server = await serveBytes(bytes, contentEncoding);
    expect((await rejectionOf(connect().send(server.origin))).message).toMatch(message);
  });
});
