import type { TokenCarrier } from 'projected-token';
import type { WithTokenOptions } from 'projected-token/fetch';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ContractClient } from './contract-client.js';
import { HttpOrigin } from './http-origin.js';
import { describeRedirects } from './http-redirect-contract.js';
import { describeRefusals } from './http-refusal-contract.js';
import { expectNoToken, FixedTokenSource } from './http-token-source.js';

const CARRIERS: Record<string, TokenCarrier | undefined> = {
  'Authorization: Bearer': undefined,
  'X-Vault-Token': { header: 'X-Vault-Token' },
};

/** What every client that carries a token keeps to, tried on real servers. */
export function describeClientContract(client: ContractClient): void {
  describe(`${client.name} keeps to what all clients do`, () => {
    let listed: HttpOrigin;
    let unlisted: HttpOrigin;
    let source: FixedTokenSource;

    beforeAll(async () => {
      [listed, unlisted] = await Promise.all([HttpOrigin.start(), HttpOrigin.start()]);
    });
    afterAll(() => Promise.all([listed.close(), unlisted.close()]));
    beforeEach(() => {
      source = new FixedTokenSource();
    });
    afterEach(() => {
      listed.reset();
      unlisted.reset();
    });

    const connect = (options: WithTokenOptions = {}) =>
      client.withToken(source, { origins: [listed.origin], ...options });

    describe.each(Object.entries(CARRIERS))('with %s', (_, carrier) => {
      const header = carrier?.header ?? 'Authorization';
      beforeEach(() => {
        source = new FixedTokenSource(carrier);
      });

      it('sends the token to a listed origin', async () => {
        const response = await connect()({ url: `${listed.origin}/a` });
        expect(response).toMatchObject({ status: 200, body: 'ok' });
        expect(listed.seen('/a', header)).toEqual([source.value(1)]);
      });

      it('sends none to another port, and none to the same server by another name', async () => {
        const send = connect();
        await send({ url: `${unlisted.origin}/a` });
        await send({ url: `${listed.localhostOrigin}/a` });
        expect(unlisted.seen('/a', header)).toEqual([undefined]);
        expect(listed.seen('/a', header)).toEqual([undefined]);
        expect(source.reads).toBe(0);
      });

      it('leaves a request alone that has the header already', async () => {
        listed.on('/a', { status: 401 });
        const response = await connect()({ url: `${listed.origin}/a`, headers: { [header.toUpperCase()]: 'own' } });
        expect(response.status).toBe(401);
        expect(listed.seen('/a', header)).toEqual(['own']);
        expect(source).toMatchObject({ reads: 0, refused: [] });
      });

      it('sends a refused request once more with the other token', async () => {
        const url = listed.on('/a', ({ headers }) => ({
          status: headers[header.toLowerCase()] === source.value(2) ? 200 : 401,
        }));
        expect((await connect()({ url })).status).toBe(200);
        expect(listed.seen('/a', header)).toEqual([source.value(1), source.value(2)]);
        expect(source.refused).toEqual([source.token(1)]);
      });
    });

    it('rejects as the source does when there is no token, and sends nothing', async () => {
      const error = new Error('no token');
      source.getToken = () => Promise.reject(error);
      const seen = await connect()({ url: `${listed.origin}/a` }).catch((e: unknown) => e);
      expect(client.sourceErrorOf ? client.sourceErrorOf(seen) : seen).toBe(error);
      expect(listed.requests).toEqual([]);
    });

    it.each(['new\nline', 'non-ÄSCII', '', 'two parts'])('does not send, nor quote, the token %j', async (token) => {
      source.getToken = async () => token;
      const error = await connect()({ url: `${listed.origin}/a` }).catch((e: unknown) => e);
      expect(client.sourceErrorOf?.(error) ?? error).toMatchObject({ code: 'ERR_TOKEN_MALFORMED' });
      if (token !== '') expect(String(error)).not.toContain(token);
      expect(listed.requests).toEqual([]);
    });

    it.each(['getToken', 'replaceToken'] as const)('ends the wait for %s when the caller aborts', async (method) => {
      const asked = withResolvers<void>();
      source[method] = () => {
        asked.resolve();
        return new Promise<never>(() => {});
      };
      const url = listed.on('/a', { status: 401 });
      const abort = new AbortController();
      const reason = new Error('no time left');
      const response = connect()({ url, signal: abort.signal }).catch((error: unknown) => error);
      await asked.promise;
      abort.abort(reason);
      client.expectAborted(await response, reason);
      expect(listed.requests).toHaveLength(method === 'getToken' ? 0 : 1);
    });

    it('passes the signal of the caller on to the source', async () => {
      let signal: AbortSignal | undefined;
      source.getToken = async (options) => {
        signal = options?.signal;
        return source.token(1);
      };
      const abort = new AbortController();
      const url = listed.on('/a', 'hang');
      const response = connect()({ url, signal: abort.signal }).catch((error: unknown) => error);
      await expect.poll(() => listed.requests.length).toBe(1);
      expect(signal?.aborted).toBe(false);
      abort.abort(new Error('enough'));
      expect(signal?.aborted).toBe(true);
      client.expectAborted(await response, abort.signal.reason);
    });

    it('does not send again what broke off, and shows no token in the error', async () => {
      const url = listed.on('/a', 'break');
      const error = await connect()({ url }).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(Error);
      expect(listed.requests).toHaveLength(1);
      expectNoToken(error, source);
    });

    it('shows no token when nobody listens', async () => {
      const gone = await HttpOrigin.start();
      const { origin } = gone;
      await gone.close();
      const error = await connect({ origins: [origin] })({ url: `${origin}/a` }).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(Error);
      expect(source.reads).toBe(1);
      expectNoToken(error, source);
    });

    it.each([200, 401, 500])('shows no token in what comes with status %i', async (status) => {
      const url = listed.on('/a', { status, body: 'text' });
      const { shown } = await connect()({ url, method: 'POST', body: 'text' });
      expect(listed.requests.length).toBeGreaterThan(0);
      expectNoToken(shown, source);
    });

    it.each([
      ['no origin', []],
      ['no scheme', ['vault.internal:8200']],
      ['another scheme', ['ftp://vault.internal']],
      ['a path', ['https://vault.internal/v1']],
      ['a query', ['https://vault.internal/?a']],
      ['credentials', ['https://user:secret@vault.internal']],
    ])('refuses %s as origins', (_, origins) => {
      let error: unknown;
      try {
        client.withToken(source, { origins });
      } catch (e) {
        error = e;
      }
      expect(error).toMatchObject({ code: 'ERR_TOKEN_OPTION', option: 'origins' });
      expect(String(error)).not.toContain('secret');
    });

    it.each([[[200]], [[307]], [[401.5]], ['401']])('refuses %j as refusedStatuses', (refusedStatuses) => {
      expect(() => connect({ refusedStatuses: refusedStatuses as number[] })).toThrow(
        expect.objectContaining({ code: 'ERR_TOKEN_OPTION', option: 'refusedStatuses' }),
      );
    });

    describeRefusals(client);
    if (client.followsRedirects) {
      describeRedirects(client, CARRIERS);
    }
  });
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
