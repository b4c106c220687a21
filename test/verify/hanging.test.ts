import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { TokenSource } from 'projected-token';
import { createTokenVerifier, type TokenVerifierOptions } from 'projected-token/verify';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { rejectionOf } from '../helpers/federation.js';
import { ForgingIssuer } from '../helpers/forging-issuer.js';
import { ok, RawServer } from '../helpers/raw-server.js';
import { ACCEPTED, serveReviews } from '../helpers/review-server.js';

let issuer: ForgingIssuer;
beforeAll(async () => {
  issuer = await ForgingIssuer.start();
  // The first request loads it, which can take as long as the time limit here.
  await import('undici');
});
afterAll(() => issuer.close());
afterEach(() => {
  vi.useRealTimers();
});

const METHODS = ['key-set', 'token-review'] as const;

const verifierOf = (apiServer: string, options: Partial<TokenVerifierOptions>) =>
  createTokenVerifier({ issuer: issuer.url, audience: 'billing', apiServer, timeoutMs: 500, ...options });

/** A source whose calls hang as long as it is told to. */
class HangingSource implements TokenSource {
  hangs: 'getToken' | 'replaceToken' | undefined;
  async getToken(): Promise<string> {
    return this.hangs === 'getToken' ? new Promise(() => {}) : 'own-token';
  }
  async replaceToken(): Promise<string | undefined> {
    return this.hangs === 'replaceToken' ? new Promise(() => {}) : 'other-token';
  }
}

describe.each(METHODS)('By %s', (method) => {
  it('a bearer that hangs ends within the time limit, and does not stop the next attempt', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    const server = await serveReviews(issuer, () => ACCEPTED);
    const bearer = new HangingSource();
    bearer.hangs = 'getToken';
    const verifier = verifierOf(server.origin, { method, bearer });
    const token = issuer.sign();
    const error = await rejectionOf(verifier.verify(token));
    expect(error.code).toBe('ERR_VERIFY_UNAVAILABLE');
    expect(error.message).toContain('the source in the option "bearer" returned no token: no answer within 500 ms');
    bearer.hangs = undefined;
    vi.advanceTimersByTime(5_000);
    await verifier.verify(token);
  });

  it('a replacement of the bearer that hangs, likewise', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    let refuses = true;
    const server = await serveReviews(issuer, () => (refuses ? { status: 401 } : ACCEPTED), 'shown');
    const bearer = new HangingSource();
    bearer.hangs = 'replaceToken';
    const verifier = verifierOf(server.origin, { method: 'token-review', bearer });
    const error = await rejectionOf(verifier.verify(issuer.sign()));
    expect(error.message).toContain('the source in the option "bearer" returned no token: no answer within 500 ms');
    refuses = false;
    await verifier.verify(issuer.sign());
  });

  it.each<[string, string]>([
    ['a switch to another protocol', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'],
    ['silence', ''],
    ['a body that never ends', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{'],
    ['a head that never ends', 'HTTP/1.1 200 OK\r\n'],
  ])(
    'a server that answers with %s ends within the time limit, and does not stop the next attempt',
    async (_what, bytes) => {
      vi.useFakeTimers({ toFake: ['Date', 'performance'] });
      let isWell = false;
      const server = await RawServer.start((socket, request) => {
        if (!isWell) return void socket.write(bytes);
        const isReview = request.startsWith('POST');
        const keys = request.includes('jwks') ? { keys: [issuer.jwk] } : { issuer: issuer.url };
        socket.write(ok(isReview ? ACCEPTED.body! : JSON.stringify(keys)));
      });
      onTestFinished(() => server.close());
      const verifier = verifierOf(server.origin, { method });
      const tokens = [issuer.sign(), issuer.sign(issuer.claims({ jti: '2' }))];
      const errors = await Promise.all(tokens.map((token) => rejectionOf(verifier.verify(token))));
      expect(errors.map(({ code }) => code)).toEqual(['ERR_VERIFY_UNAVAILABLE', 'ERR_VERIFY_UNAVAILABLE']);
      isWell = true;
      vi.advanceTimersByTime(5_000);
      await Promise.all(tokens.map((token) => verifier.verify(token)));
    },
  );
});

it('the time limit survives the garbage collector', async () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const server = await RawServer.start(() => {});
  onTestFinished(() => server.close());
  const failed = rejectionOf(verifierOf(server.origin, { timeoutMs: 300 }).verify(issuer.sign()));
  await vi.waitFor(() => expect(server.requests).toHaveLength(1));
  gc();
  expect(await failed).toHaveProperty('code', 'ERR_VERIFY_UNAVAILABLE');
});
