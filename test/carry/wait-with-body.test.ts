import { createReadStream } from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import axios from 'axios';
import got from 'got';
import { withToken as withAxiosToken } from 'projected-token/axios';
import { withToken as withFetchToken } from 'projected-token/fetch';
import { withToken as withGotToken } from 'projected-token/got';
import { withToken as withUndiciToken } from 'projected-token/undici';
import { Agent, request } from 'undici';
import { afterAll, describe, expect, it } from 'vitest';
import { waitWithBody } from '../../src/carry/wait-with-body.js';
import { useHttpOrigins } from '../helpers/http-origins.js';

// A stream that fails while the token of its request is waited for. vitest fails a run in which an error was emitted and nobody listened.

const { default: nodeFetch3 } = await import('node-fetch-3' as string);
const at = useHttpOrigins();
const agent = new Agent();
afterAll(() => agent.destroy());

type Send = (url: string, body: Readable) => Promise<unknown>;

const options = () => ({ origins: [at.listed.origin] });
const fetching = (fetch: typeof globalThis.fetch) => (url: string, body: Readable) =>
  fetch(url, { method: 'POST', body, duplex: 'half' } as unknown as RequestInit);

const CLIENTS: Record<string, { bare: Send; wrapped: () => Send }> = {
  undici: {
    bare: (url, body) => request(url, { method: 'POST', body, dispatcher: agent }),
    wrapped: () => (url, body) =>
      request(url, { method: 'POST', body, dispatcher: withUndiciToken(agent, at.source, options()) }),
  },
  axios: {
    bare: (url, body) => axios.post(url, body),
    wrapped: () => (url, body) => withAxiosToken(axios.create(), at.source, options()).post(url, body),
  },
  got: {
    bare: (url, body) => got.post(url, { body, retry: { limit: 0 } }),
    wrapped: () => (url, body) => withGotToken(got, at.source, options()).post(url, { body, retry: { limit: 0 } }),
  },
  'node-fetch 3': {
    bare: fetching(nodeFetch3),
    wrapped: () => fetching(withFetchToken(nodeFetch3, at.source, options())),
  },
};

const STREAMS: Record<string, () => Readable> = {
  'of a file that is missing': () => createReadStream('/nonexistent'),
  'that breaks off': () => failing(new Error('The body breaks off.')),
  'that is closed before its end': () => failing(undefined),
  'that was closed before': () => new PassThrough().destroy(),
};

describe.each(Object.entries(CLIENTS))('%s, while the token is waited for', (name, { bare, wrapped }) => {
  // Bare, got waits for ever for the end of a stream that is closed before.
  const kinds = Object.entries(STREAMS).filter(([kind]) => name !== 'got' || kind !== 'that is closed before its end');

  it.each(kinds)('rejects as without this library with a body %s', async (_, make) => {
    const url = at.listed.on('/a', 'hang');
    const outcomeOf = (send: Send) =>
      send(url, make()).then(
        () => 'an answer',
        (error) => ({ class: error.constructor.name, name: error.name, code: error.code, message: error.message }),
      );
    const expected = await outcomeOf(bare);
    const requests = at.listed.requests.length;
    at.source.getToken = () => new Promise(() => {});
    expect(await outcomeOf(wrapped())).toEqual(expected);
    expect(at.listed.requests).toHaveLength(requests);
  });
});

describe("Node's fetch, while the token is waited for", () => {
  it.each(Object.entries(STREAMS))('rejects with a body %s', async (_, make) => {
    at.source.getToken = () => new Promise(() => {});
    const send = fetching(withFetchToken(fetch, at.source, options()));
    await expect(send(`${at.listed.origin}/a`, make())).rejects.toThrow(TypeError);
    expect(at.listed.requests).toEqual([]);
  });
});

describe('A wait on behalf of a body', () => {
  const toError = (failure: Error) => new Error('The body failed.', { cause: failure });

  it('leaves no listener on a stream that did not fail', async () => {
    const body = Readable.from(['a']);
    const before = body.eventNames().map((name) => [name, body.listenerCount(name)]);
    expect(await waitWithBody(async () => 'token', { body, toError })).toBe('token');
    await new Promise((resolve) => process.nextTick(resolve));
    expect(body.eventNames().map((name) => [name, body.listenerCount(name)])).toEqual(before);
    expect(await body.toArray()).toEqual(['a']);
  });

  it('tells the work that a body failed, and rejects with the error of the client', async () => {
    const failure = new Error('broken');
    const work = (signal: AbortSignal | undefined) =>
      new Promise<never>((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason)));
    const error = await waitWithBody(work, { body: failing(failure), toError }).catch((reason) => reason);
    expect(error).toMatchObject({ message: 'The body failed.', cause: failure });
  });

  it('tells the work that the signal aborted, with its reason', async () => {
    const [controller, reason] = [new AbortController(), new Error('enough')];
    const work = (signal: AbortSignal | undefined) =>
      new Promise<never>((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason)));
    const waiting = waitWithBody(work, { body: new PassThrough(), signal: controller.signal, toError });
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });

  it.each([undefined, null, 'text', Buffer.from('a'), new URLSearchParams('a=1')])(
    'hands the signal itself on with a body %j that is no stream of Node',
    async (body) => {
      const { signal } = new AbortController();
      expect(await waitWithBody(async (given) => given, { body, signal, toError })).toBe(signal);
    },
  );
});

/** Fails, or is closed, in a later turn: without a reader. */
function failing(error: Error | undefined): Readable {
  const stream = new PassThrough();
  setImmediate(() => stream.destroy(error));
  return stream;
}
