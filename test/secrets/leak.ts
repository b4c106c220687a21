// Leaks on purpose, in every way in which the recorded run looks for leaks; no part of the suite.
import { execFile } from 'node:child_process';
import { channel } from 'node:diagnostics_channel';
import { promisify } from 'node:util';
import { ProjectedTokenProvider, TokenSourceClosedError } from 'projected-token';
import { mintToken } from 'projected-token/testing';
import { Gauge, Registry } from 'prom-client';
import { describe, it } from 'vitest';
import { FORMS, PLACES } from './planted-leaks.js';

/** Eight bytes from a signature: none that a command line cannot hold, and not all of plain ASCII, which raw bytes are told from. */
function leakOf(token: string): Record<(typeof FORMS)[number], string> {
  const text = token.split('.')[2]!;
  const signature = Buffer.from(text, 'base64url');
  const parts = Array.from({ length: signature.length - 8 }, (_, start) => signature.subarray(start, start + 8));
  const bytes = parts.find((part) => !part.includes(0) && part.some((byte) => byte >= 0x80))!;
  return {
    'cut from the token': text.slice(30, 38),
    base64: bytes.toString('base64'),
    base64url: bytes.toString('base64url'),
    hex: bytes.toString('hex'),
    raw: bytes.toString('latin1'),
  };
}

const LEAKS: Record<(typeof PLACES)[number], (text: string) => unknown> = {
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
  console: (text) => console.log({ text }),
  warning: (text) => process.emitWarning(text),
  'a child with an environment of its own': (text) =>
    promisify(execFile)(process.execPath, ['-e', 'process.stdout.write(process.argv[1])', text], { env: {} }),
  'an error': (text) => new TypeError('for a good reason', { cause: new TokenSourceClosedError(text) }),
  'an event': (text) => new ProjectedTokenProvider().emit('error', { text } as never),
  diagnostics: (text) => channel('projected-token:rejected').publish({ text }),
  'a metric': async (text) => {
    const registry = new Registry();
    new Gauge({ name: 'leak', help: text, registers: [registry] });
    await registry.metrics();
  },
};

describe.each(PLACES)('%s', (place) => {
  it.each(FORMS)('%s', async (form) => {
    await LEAKS[place](`\n${place}, ${form}: ${leakOf(await mintToken())[form]}\n`);
  });
});
