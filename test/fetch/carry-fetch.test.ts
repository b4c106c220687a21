import { beforeEach, describe, expect, it, vi } from 'vitest';
import { TokenCarriage } from '../../src/carry/token-carriage.js';
import { carryFetch } from '../../src/fetch/carry-fetch.js';
import type { Fetch } from '../../src/fetch/outgoing-request.js';
import { FixedTokenSource } from '../helpers/http-token-source.js';

// What a server of its own cannot show: which responses are freed, what is handed on as it is, and fetches of other platforms.

const HERE = 'https://vault.internal/v1';
const ELSEWHERE = 'https://elsewhere.example/v1';

let source: FixedTokenSource;
let answers: (() => Response)[];
let sent: Parameters<Fetch>[];
let fetch: Fetch;

beforeEach(() => {
  source = new FixedTokenSource();
  answers = [];
  sent = [];
  const client: Fetch = async (...args) => {
    sent.push(args);
    return answers.shift()?.() ?? new Response('end');
  };
  fetch = carryFetch(client, new TokenCarriage(source, { origins: [HERE.replace('/v1', '')] }));
});

const headersSent = () => sent.map(([, init]) => Object.fromEntries(new Headers(init?.headers)));

/** A response whose body tells when it is freed. */
function held(status: number, headers: Record<string, string> = {}) {
  const cancel = vi.fn();
  const response = new Response(new ReadableStream({ cancel }), { status, headers });
  return { response, cancel };
}

describe('a request that does not carry the token', () => {
  const own = { authorization: 'Basic abc' };
  it.each<[string, Parameters<Fetch>]>([
    ['to another origin', [ELSEWHERE, { redirect: 'follow' }]],
    ['without a whole URL', ['/v1']],
    ['with the header of its own', [HERE, { headers: own }]],
    ['with the header of its own in a Request', [new Request(HERE, { headers: own })]],
  ])('(%s) is handed on as it is', async (_, args) => {
    await fetch(...args);
    expect(sent).toHaveLength(1);
    expect(sent[0]?.[0]).toBe(args[0]);
    expect(sent[0]?.[1]).toBe(args[1]);
    expect(source.reads).toBe(0);
  });
});

describe('a request that carries the token', () => {
  it('has it beside its own headers, and leaves those alone', async () => {
    const headers = new Headers({ accept: 'text/plain' });
    await fetch(HERE, { headers });
    expect(headersSent()).toEqual([{ accept: 'text/plain', authorization: source.value(1) }]);
    expect([...headers.keys()]).toEqual(['accept']);
  });

  it('is sent once more after a refusal, which is freed before', async () => {
    const { response, cancel } = held(401);
    answers = [
      () => response,
      () => {
        expect(cancel).toHaveBeenCalledTimes(1);
        return new Response('done');
      },
    ];
    expect(await (await fetch(HERE)).text()).toBe('done');
    expect(headersSent().map(({ authorization }) => authorization)).toEqual([source.value(1), source.value(2)]);
  });

  it('is sent once more after a refusal that has no body', async () => {
    answers = [() => new Response(null, { status: 401 })];
    expect((await fetch(HERE)).status).toBe(200);
    expect(sent).toHaveLength(2);
  });

  it('is sent once more though the refusal cannot be freed', async () => {
    const broken = new ReadableStream({ cancel: () => Promise.reject(new Error('a fault of the connection')) });
    answers = [() => new Response(broken, { status: 401 })];
    expect((await fetch(HERE)).status).toBe(200);
  });
});

describe('a redirect', () => {
  it.each(['manual', 'error'] as const)('is left to the caller who asked for it (%s)', async (redirect) => {
    const { response, cancel } = held(302, { location: ELSEWHERE });
    answers = [() => response];
    expect(await fetch(HERE, { redirect })).toBe(response);
    expect(sent[0]?.[1]?.redirect).toBe(redirect);
    expect(response.redirected).toBe(false);
    expect(cancel).not.toHaveBeenCalled();
  });

  it('is followed, and freed, and told', async () => {
    const { response, cancel } = held(302, { location: ELSEWHERE });
    answers = [() => response];
    const last = await fetch(HERE);
    expect(sent.map(([input]) => input)).toEqual([HERE, ELSEWHERE]);
    expect(cancel).toHaveBeenCalledTimes(1);
    expect(last.redirected).toBe(true);
    expect(headersSent()[1]).toEqual({});
  });

  it('that was none is not told', async () => {
    expect((await fetch(HERE)).redirected).toBe(false);
  });

  it('that a fetch hides, as in browsers, is an error', async () => {
    answers = [() => Object.defineProperty(new Response(null), 'type', { value: 'opaqueredirect' })];
    const error: Error = await fetch(HERE).catch((error) => error);
    expect(error).toBeInstanceOf(TypeError);
    expect(error.cause).toMatchObject({
      message: expect.stringMatching(/^this fetch hides the target of a redirect/),
    });
  });

  it('that a fetch hides is what the caller gets who asked for it', async () => {
    answers = [() => Object.defineProperty(new Response(null), 'type', { value: 'opaqueredirect' })];
    expect((await fetch(HERE, { redirect: 'manual' })).type).toBe('opaqueredirect');
  });

  it.each([307, 308])('(%i) with a body that was read is an error, and the body is not sent', async (status) => {
    const body = new Blob(['text']).stream();
    answers = [() => new Response(null, { status, headers: { location: '/next' } })];
    const error: Error = await fetch(HERE, { method: 'POST', body, duplex: 'half' } as never).catch((error) => error);
    expect(error).toMatchObject({
      message: 'fetch failed',
      cause: new Error(`status ${status}: the body cannot be sent again`),
    });
    expect(sent).toHaveLength(1);
  });

  it('with a body that was read is followed where it makes a GET of it', async () => {
    const body = new Blob(['text']).stream();
    answers = [() => new Response(null, { status: 303, headers: { location: '/next' } })];
    await fetch(HERE, { method: 'POST', body, duplex: 'half' } as never);
    expect(sent[1]?.[1]).toMatchObject({ method: 'GET' });
    expect(sent[1]?.[1]).not.toHaveProperty('body');
  });

  it('is followed twenty times, and the error after that is no other than that of fetch', async () => {
    answers = Array.from({ length: 30 }, () => () => new Response(null, { status: 302, headers: { location: HERE } }));
    const error: Error = await fetch(HERE).catch((error) => error);
    expect(error.cause).toEqual(new Error('redirect count exceeded'));
    expect(sent).toHaveLength(21);
  });
});

describe('an error', () => {
  it('is what the client rejects with', async () => {
    const failure = new TypeError('fetch failed');
    answers = [
      () => {
        throw failure;
      },
    ];
    await expect(fetch(HERE)).rejects.toBe(failure);
    await expect(fetch(HERE, { signal: new AbortController().signal })).resolves.toBeDefined();
  });

  it("is the client's own also once the signal has aborted: node-fetch rejects with an error of its own", async () => {
    const failure = Object.assign(new Error('The operation was aborted.'), { name: 'AbortError' });
    const controller = new AbortController();
    answers = [
      () => {
        controller.abort();
        throw failure;
      },
    ];
    await expect(fetch(HERE, { signal: controller.signal })).rejects.toBe(failure);
  });
});

describe('the body of a Request', () => {
  const post = () => new Request(HERE, { method: 'POST', body: 'text' });

  it('is let go of once the answer is there', async () => {
    const release = vi.spyOn(ReadableStreamDefaultReader.prototype, 'cancel');
    await fetch(post());
    expect(release).toHaveBeenCalled();
    release.mockRestore();
  });

  it('is not kept where the caller wants none of that', async () => {
    const carriage = new TokenCarriage(source, { origins: ['https://vault.internal'] });
    const [kept, notKept] = [post(), post()].map((request) => ({ request, clone: vi.spyOn(request, 'clone') }));
    const client: Fetch = async () => new Response();
    await carryFetch(client, carriage)(kept!.request);
    await carryFetch(client, carriage, { keepBody: false, mayHaveDispatcher: true })(notKept!.request);
    expect(kept!.clone).toHaveBeenCalledTimes(1);
    expect(notKept!.clone).not.toHaveBeenCalled();
  });
});
