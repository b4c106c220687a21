import { once } from 'node:events';
import type { WithTokenOptions } from 'projected-token/fetch';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ContractClient } from './contract-client.js';
import { HttpOrigin, hashBody } from './http-origin.js';
import { FixedTokenSource } from './http-token-source.js';
import { RawServer } from './raw-server.js';
import { turn } from './turn.js';

/** The part of the contract about requests whose token the server refuses. */
export function describeRefusals(client: ContractClient): void {
  describe('at refusals', () => {
    let listed: HttpOrigin;
    let source: FixedTokenSource;

    beforeAll(async () => {
      listed = await HttpOrigin.start();
    });
    afterAll(() => listed.close());
    beforeEach(() => {
      source = new FixedTokenSource();
    });
    afterEach(() => listed.reset());

    const connect = (options: WithTokenOptions = {}) =>
      client.withToken(source, { origins: [listed.origin], ...options });

    it('sends the other headers of the caller along, at the retry too', async () => {
      const url = listed.on('/a', { status: 401 });
      await connect()({ url, headers: { 'x-request-id': '7', accept: 'text/plain' } });
      expect(listed.seen('/a', 'x-request-id')).toEqual(['7', '7']);
      expect(listed.seen('/a', 'accept')).toEqual(['text/plain', 'text/plain']);
    });

    it('sends a refused request never more than twice, however many tokens the source has', async () => {
      const url = listed.on('/a', { status: 401, body: 'no' });
      expect(await connect()({ url })).toMatchObject({ status: 401, body: 'no' });
      expect(listed.requests).toHaveLength(2);
      expect(source.refused).toEqual([source.token(1)]);
    });

    it.each([
      ['has no other', async () => undefined],
      ['has the same', async (refused: string) => refused],
      ['fails', () => Promise.reject(new Error('no file'))],
    ])('sends a refused request only once when the source %s', async (_, replaceToken) => {
      source.replaceToken = replaceToken;
      const url = listed.on('/a', { status: 401, body: 'no' });
      expect(await connect()({ url })).toMatchObject({ status: 401, body: 'no' });
      expect(listed.requests).toHaveLength(1);
    });

    it.each([400, 403, 404, 500, 503])('takes status %i for no refusal unless told', async (status) => {
      const url = listed.on('/a', { status });
      const response = await connect()({ url });
      expect(response.status).toBe(status);
      expect(listed.requests).toHaveLength(1);
      expect(source.refused).toEqual([]);
    });

    it('takes the statuses of the option for refusals, before those of the carrier', async () => {
      const url = listed.on('/a', { status: 403 });
      await connect({ refusedStatuses: [403] })({ url });
      expect(listed.requests).toHaveLength(2);

      source = new FixedTokenSource({ header: 'X-Vault-Token', refusedStatuses: [401, 403] });
      await connect()({ url });
      expect(listed.requests).toHaveLength(4);
      await connect({ refusedStatuses: [401] })({ url });
      expect(listed.requests).toHaveLength(5);
    });

    it.each(Object.entries(client.replayableBodies))('sends a body of %s again, byte for byte', async (_, make) => {
      const { body, bytes } = make();
      const url = listed.on('/a', { status: 401 });
      await connect()({ url, method: 'POST', body });
      const [first, second] = listed.requests;
      expect(listed.requests).toHaveLength(2);
      expect(second).toMatchObject({ method: 'POST', bodyHash: first?.bodyHash });
      expect(first?.body.length).toBeGreaterThan(0);
      if (bytes !== undefined) expect(first?.bodyHash).toBe(hashBody(bytes));
      expect(second?.headers['content-type']?.split(';')[0]).toBe(first?.headers['content-type']?.split(';')[0]);
      expect(source.refused).toHaveLength(1);
    });

    it.each(Object.entries(client.oneShotBodies))('sends a body of %s only once', async (_, make) => {
      const url = listed.on('/a', { status: 401, body: 'no' });
      const response = await connect()({ url, method: 'POST', body: make() });
      expect(response).toMatchObject({ status: 401, body: 'no' });
      expect(listed.requests).toHaveLength(1);
      expect(String(listed.requests[0]?.body)).toContain('streamed');
      expect(source.refused).toEqual([source.token(1)]);
    });

    it('sends the token that is current when many requests are refused together', async () => {
      const url = listed.on('/a', ({ headers }) => ({ status: headers.authorization === source.value(1) ? 401 : 200 }));
      const send = connect();
      const responses = await Promise.all(Array.from({ length: 20 }, () => send({ url })));
      expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(200));
      expect(listed.requests.length).toBeLessThanOrEqual(40);
    });

    // Less than 16 KiB: where streams of undici pause a longer body, its end can fail the same assertion without this library.
    it.each([
      ['has no other', 2, '', 1],
      ['has another', 2, '', 2],
      ['has no other', 10_000, '', 1],
      ['has another', 10_000, '', 2],
      ['has no other', 10_000, 'Content-Length: 10000\r\n', 1],
      ['has another', 10_000, 'Content-Length: 10000\r\n', 2],
    ])(
      'waits for a source that %s beyond the end of the connection of a refusal (%i bytes, %j)',
      async (_, length, framing, attempts) => {
        const body = 'x'.repeat(length);
        let ended: Promise<unknown> | undefined;
        const server = await RawServer.start((socket) => {
          ended = once(socket, 'finish');
          socket.end(`HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n${framing}\r\n${body}`);
        });
        try {
          source.replaceToken = async () => {
            await ended;
            // The end is in the kernel by now.
            await turns();
            return attempts === 1 ? undefined : source.token(2);
          };
          const send = client.withToken(source, { origins: [server.origin] });
          expect(await send({ url: `${server.origin}/a` })).toMatchObject({ status: 401, body });
          expect(server.requests).toHaveLength(attempts);
        } finally {
          await server.close();
        }
      },
    );

    it.each([10, 100_000])(
      'comes to an end with a refusal that breaks off after %i bytes, while the source is asked',
      async (length) => {
        let brokeOff: Promise<unknown> | undefined;
        const server = await RawServer.start((socket) => {
          brokeOff = once(socket, 'close').then(turns);
          socket.write(`HTTP/1.1 401 Unauthorized\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(length)}`);
          void turns().then(() => socket.destroy());
        });
        try {
          source.replaceToken = async () => {
            await brokeOff;
            return undefined;
          };
          const send = client.withToken(source, { origins: [server.origin] });
          // axios shows a response without a body.
          const body = await send({ url: `${server.origin}/a` }).then(
            (answer) => answer.body,
            () => undefined,
          );
          expect(body).toBeUndefined();
          expect(server.requests).toHaveLength(1);
        } finally {
          await server.close();
        }
      },
    );

    it('leaves no connection behind with a refusal that nobody reads', async () => {
      const large = Buffer.alloc(1_000_000);
      const url = listed.on('/a', ({ headers }) =>
        headers.authorization?.endsWith('.1') ? { status: 401, body: large } : {},
      );
      for (let round = 0; round < 20; round++) {
        source = new FixedTokenSource();
        expect((await connect()({ url })).status).toBe(200);
      }
      await expect.poll(() => listed.openConnections(), { timeout: 10_000 }).toBeLessThanOrEqual(3);
    });
  });
}

/** Long enough for a client to read what is in the kernel. */
async function turns(): Promise<void> {
  for (let count = 0; count < 50; count++) await turn();
}
