import type { TokenCarrier } from 'projected-token';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ContractClient } from './contract-client.js';
import { HttpOrigin } from './http-origin.js';
import { expectNoToken, FixedTokenSource } from './http-token-source.js';

const STATUSES = [301, 302, 303, 307, 308];

/** The part of the contract about redirects, for clients that follow them. */
export function describeRedirects(client: ContractClient, carriers: Record<string, TokenCarrier | undefined>): void {
  describe.each(Object.entries(carriers))('at redirects, with %s', (_, carrier) => {
    const header = carrier?.header ?? 'Authorization';
    let first: HttpOrigin;
    let second: HttpOrigin;
    let unlisted: HttpOrigin;
    let source: FixedTokenSource;

    beforeAll(async () => {
      [first, second, unlisted] = await Promise.all([HttpOrigin.start(), HttpOrigin.start(), HttpOrigin.start()]);
    });
    afterAll(() => Promise.all([first, second, unlisted].map((origin) => origin.close())));
    beforeEach(() => {
      source = new FixedTokenSource(carrier);
    });
    afterEach(() => {
      for (const origin of [first, second, unlisted]) origin.reset();
    });

    const connect = () => client.withToken(source, { origins: [first.origin, second.origin] });
    const redirect = (from: HttpOrigin, path: string, location: string, status = 307) =>
      from.on(path, { status, headers: { location }, body: 'elsewhere' });

    it.each(STATUSES)('keeps the token on within an origin (%i)', async (status) => {
      const url = redirect(first, '/from', '/to', status);
      expect(await connect()({ url })).toMatchObject({ status: 200, body: 'ok' });
      expect(first.seen('/to', header)).toEqual([source.value(1)]);
    });

    it.each(STATUSES)('keeps the token on between listed origins (%i)', async (status) => {
      const url = redirect(first, '/from', `${second.origin}/to`, status);
      expect((await connect()({ url })).status).toBe(200);
      expect(second.seen('/to', header)).toEqual([source.value(1)]);
    });

    it.each(STATUSES)('takes the token off towards another origin (%i)', async (status) => {
      const url = redirect(first, '/from', `${unlisted.origin}/to`, status);
      expect((await connect()({ url, headers: { 'x-kept': 'yes' } })).status).toBe(200);
      expect(unlisted.seen('/to', header)).toEqual([undefined]);
      expect(unlisted.seen('/to', 'x-kept')).toEqual(['yes']);
      expect(JSON.stringify(unlisted.requests.map(({ headers }) => headers))).not.toContain(source.canary);
    });

    it('takes the token off towards the same server by another name', async () => {
      const url = redirect(first, '/from', `${first.localhostOrigin}/to`);
      expect((await connect()({ url })).status).toBe(200);
      expect(first.seen('/to', header)).toEqual([undefined]);
    });

    it.each(STATUSES)('sends a POST on as other clients do (%i)', async (status) => {
      const url = redirect(first, '/from', `${second.origin}/to`, status);
      await connect()({ url, method: 'POST', body: 'payload', headers: { 'content-type': 'text/plain' } });
      const [request] = second.requests;
      const isKept = status === 307 || status === 308;
      const isTypeKept = isKept || client.keepsContentType?.includes(status);
      expect(request?.method).toBe(isKept ? 'POST' : 'GET');
      expect(String(request?.body)).toBe(isKept ? 'payload' : '');
      expect(request?.headers['content-type']).toBe(isTypeKept ? 'text/plain' : undefined);
    });

    it('sends again only the hop that refused the token', async () => {
      const url = redirect(first, '/from', `${second.origin}/to`, 303);
      second.on('/to', ({ headers }) => ({
        status: headers[header.toLowerCase()] === source.value(2) ? 200 : 401,
        body: 'done',
      }));
      const response = await connect()({ url, method: 'POST', body: 'create' });
      expect(response).toMatchObject({ status: 200, body: 'done' });
      expect(first.requests.map(({ method }) => method)).toEqual(['POST']);
      expect(second.requests.map(({ method }) => method)).toEqual(['GET', 'GET']);
      expect(second.seen('/to', header)).toEqual([source.value(1), source.value(2)]);
    });

    it('takes the refusal of another origin for none', async () => {
      const url = redirect(first, '/from', `${unlisted.origin}/to`);
      unlisted.on('/to', { status: 401 });
      expect((await connect()({ url })).status).toBe(401);
      expect(unlisted.requests).toHaveLength(1);
      expect(source.refused).toEqual([]);
    });

    it('ends a loop of redirects, and shows no token in the error', async () => {
      const url = redirect(first, '/from', '/from');
      const error = await connect()({ url }).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(Error);
      expect(first.requests.length).toBeLessThanOrEqual(22);
      expectNoToken(error, source);
    });

    it('shows no token in what a chain leads to', async () => {
      const url = redirect(first, '/from', `${second.origin}/to`);
      second.on('/to', { status: 500 });
      const { shown } = await connect()({ url, method: 'POST', body: 'payload' });
      expectNoToken(shown, source);
    });

    it.each(['mailto:a@b.test', 'http://'])('rejects a redirect to %s', async (location) => {
      const url = redirect(first, '/from', location);
      const error = await connect()({ url }).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(Error);
      expectNoToken(error, source);
    });

    if (client.forgetsHops) return;

    it('leaves the token off after a hop to another origin, even back at a listed one', async () => {
      redirect(unlisted, '/open', `${first.origin}/delete-all`);
      const url = redirect(first, '/from', `${unlisted.origin}/open`);
      expect((await connect()({ url })).status).toBe(200);
      expect(unlisted.seen('/open', header)).toEqual([undefined]);
      expect(first.seen('/delete-all', header)).toEqual([undefined]);
    });

    it('puts no token on when a redirect leads from another origin to a listed one', async () => {
      const url = redirect(unlisted, '/from', `${first.origin}/to`);
      expect((await connect()({ url })).status).toBe(200);
      expect(first.seen('/to', header)).toEqual([undefined]);
      expect(source.reads).toBe(0);
    });

    it('sends again with the body at a hop that a 307 led to', async () => {
      const url = redirect(first, '/from', `${second.origin}/to`);
      second.on('/to', { status: 401 });
      await connect()({ url, method: 'PUT', body: 'payload' });
      expect(first.requests).toHaveLength(1);
      expect(second.requests.map(({ method, body }) => `${method} ${body}`)).toEqual(['PUT payload', 'PUT payload']);
    });

    it('sends again at one hop of a chain only', async () => {
      const url = first.on('/from', ({ headers }) =>
        headers[header.toLowerCase()] === source.value(1)
          ? { status: 401 }
          : { status: 307, headers: { location: `${second.origin}/to` } },
      );
      second.on('/to', { status: 401 });
      expect((await connect()({ url })).status).toBe(401);
      expect(first.requests).toHaveLength(2);
      expect(second.seen('/to', header)).toEqual([source.value(2)]);
    });
  });
}
