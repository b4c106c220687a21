import type { EmbeddedVaultRole } from 'projected-token/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JsonClient } from '../helpers/json-client.js';
import { describeVaultRenewals } from './vault-renewal-contract.js';
import { ROLE, type VaultUnderTest } from './vault-under-test.js';

const DENIED = { status: 403, body: { errors: ['permission denied'] } };
const DENIED_BY_POLICY = { status: 403, body: { errors: ['1 error occurred:\n\t* permission denied\n\n'] } };
/** OpenBao's text, or Vault's. The stand-in has Vault's, by intent: users of both shall be able to tell it from a policy's. */
const UNKNOWN_TOKEN = {
  status: 403,
  body: {
    errors: [
      expect.stringMatching(/^(permission denied|2 errors occurred:\n\t\* permission denied\n\t\* invalid token\n\n)$/),
    ],
  },
};
const UUID = /^[\da-f-]{36}$/;

/** What a Vault answers, as far as this library and its users' tests depend on it. */
export function describeVault(name: string, start: () => Promise<VaultUnderTest>): void {
  describe(name, () => {
    let vault: VaultUnderTest;
    let client: JsonClient;

    beforeAll(async () => {
      vault = await start();
      client = new JsonClient(vault.address, vault.ca);
      await vault.setRole(ROLE);
    });
    afterAll(() => vault?.close());

    const logInWith = (body: unknown, headers = {}) => client.send('POST', '/v1/auth/kubernetes/login', body, headers);
    const logIn = async (role: Partial<EmbeddedVaultRole> = {}) => {
      await vault.setRole({ ...ROLE, ...role });
      const answer = await logInWith({ role: 'app', jwt: await vault.jwt() });
      expect(answer.status).toBe(200);
      return answer.body.auth;
    };
    const call = (token: string, method: string, path: string, body?: unknown, headers = {}) =>
      client.send(method, `/v1/${path}`, body, { 'x-vault-token': token, ...headers });
    const renew = (token: string, body: unknown = {}) => call(token, 'POST', 'auth/token/renew-self', body);
    const lookUp = (token: string) => call(token, 'GET', 'auth/token/lookup-self');

    describe('a login', () => {
      it('is answered with a token whose lease is in "auth"', async () => {
        const { status, body } = await logInWith({ role: 'app', jwt: await vault.jwt() });
        expect(status).toBe(200);
        expect(body).toEqual({
          request_id: expect.stringMatching(UUID),
          lease_id: '',
          renewable: false,
          lease_duration: 0,
          data: null,
          wrap_info: null,
          warnings: null,
          auth: {
            client_token: expect.stringMatching(/^(hvs|s)\.\S+$/),
            accessor: expect.stringMatching(/^\S{24}$/),
            policies: ['app', 'default'],
            token_policies: ['app', 'default'],
            metadata: {
              role: 'app',
              service_account_name: 'app',
              service_account_namespace: 'demo',
              service_account_secret_name: '',
              service_account_uid: expect.stringMatching(UUID),
            },
            lease_duration: 600,
            renewable: true,
            entity_id: expect.stringMatching(UUID),
            token_type: 'service',
            orphan: true,
            mfa_requirement: null,
            num_uses: 0,
          },
        });
      });

      it('finds the same identity each time, and gives another token', async () => {
        const [first, second] = [await logIn(), await logIn()];
        expect(second.entity_id).toBe(first.entity_id);
        expect(second.client_token).not.toBe(first.client_token);
      });

      it('says what is missing, and what is not allowed', async () => {
        const jwt = await vault.jwt();
        const forged = `${jwt.slice(0, -6)}${jwt.endsWith('AAAAAA') ? 'BBBBBB' : 'AAAAAA'}`;
        const badAudience = 'invalid audience (aud) claim: audience claim does not match any expected audience';
        const answers: [body: unknown, status: number, error: unknown][] = [
          [{ jwt }, 400, 'missing role'],
          [{ role: 'app' }, 400, 'missing jwt'],
          [{ role: 'none', jwt }, 400, 'invalid role name "none"'],
          [{ role: 'app', jwt: 'a.b.c' }, 403, 'permission denied'],
          [{ role: 'app', jwt: forged }, 403, 'permission denied'],
          [{ role: 'app', jwt: await vault.jwt('billing') }, 403, badAudience],
          [{ role: 'app', jwt: await vault.jwt('vault', 'other') }, 403, 'service account name not authorized'],
          ['{', 400, expect.stringMatching(/^failed to decode JSON input: /)],
        ];
        for (const [body, status, error] of answers) {
          expect(await logInWith(body)).toMatchObject({ status, body: { errors: [error] } });
        }
      });

      it('is a write: anything else is 405', async () => {
        for (const method of ['GET', 'DELETE']) {
          const unsupported = { status: 405, body: { errors: ['unsupported operation'] } };
          expect(await client.send(method, '/v1/auth/kubernetes/login')).toMatchObject(unsupported);
        }
      });

      it('is denied at a path where nothing is mounted, and 404 in a namespace that does not exist', async () => {
        const body = { role: 'app', jwt: await vault.jwt() };
        expect(await client.send('POST', '/v1/auth/other/login', body)).toMatchObject(DENIED);
        const notFound = { status: 404, body: { errors: ['namespace not found'] } };
        expect(await logInWith(body, { 'x-vault-namespace': 'none' })).toMatchObject(notFound);
        const { client_token: token } = await logIn();
        const headers = { 'x-vault-namespace': 'none' };
        expect(await call(token, 'GET', 'secret/data/shop', undefined, headers)).toMatchObject(notFound);
      });
    });

    describe('a token', () => {
      it('looks itself up', async () => {
        const auth = await logIn();
        const { status, body } = await lookUp(auth.client_token);
        expect(status).toBe(200);
        expect(body.data).toEqual({
          accessor: auth.accessor,
          creation_time: expect.any(Number),
          creation_ttl: 600,
          display_name: 'kubernetes-demo-app',
          entity_id: auth.entity_id,
          expire_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
          explicit_max_ttl: 0,
          id: auth.client_token,
          issue_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
          meta: auth.metadata,
          num_uses: 0,
          orphan: true,
          path: 'auth/kubernetes/login',
          policies: ['app', 'default'],
          renewable: true,
          // Vault cuts the fraction off, and the rest counts down.
          ttl: expect.toSatisfy((ttl: number) => ttl >= 597 && ttl <= 600),
          type: 'service',
        });
      });

      it('that is not known is told from one whose policies do not allow it', async () => {
        const { client_token: token } = await logIn();
        for (const path of ['secret/data/other', 'sys/mounts', 'nothing/at/all']) {
          expect(await call(token, 'GET', path)).toMatchObject(DENIED_BY_POLICY);
        }
        for (const path of ['secret/data/shop', 'auth/token/lookup-self']) {
          expect(await call('hvs.unknown', 'GET', path)).toMatchObject(UNKNOWN_TOKEN);
          expect(await client.send('GET', `/v1/${path}`)).toMatchObject(DENIED);
        }
      });

      it('that was revoked is not known', async () => {
        const { client_token: token } = await logIn();
        expect((await call(token, 'POST', 'auth/token/revoke-self', {})).status).toBe(204);
        expect(await lookUp(token)).toMatchObject(UNKNOWN_TOKEN);
        expect(await renew(token)).toMatchObject(UNKNOWN_TOKEN);
      });

      it('without the default policy cannot look itself up, renew itself or revoke itself', async () => {
        const { client_token: token, policies } = await logIn({ noDefaultPolicy: true });
        expect(policies).toEqual(['app']);
        expect(await lookUp(token)).toMatchObject(DENIED_BY_POLICY);
        expect(await renew(token)).toMatchObject(DENIED_BY_POLICY);
        expect(await call(token, 'POST', 'auth/token/revoke-self', {})).toMatchObject(DENIED_BY_POLICY);
        expect((await call(token, 'GET', 'secret/data/shop')).status).toBe(200);
      });

      it('with a limit of uses is not known after the last one', async () => {
        const { client_token: token, num_uses: uses } = await logIn({ tokenNumUses: 3 });
        expect(uses).toBe(3);
        expect((await lookUp(token)).body.data.num_uses).toBe(2);
        expect((await renew(token)).body.auth.num_uses).toBe(3);
        expect((await call(token, 'GET', 'secret/data/shop')).status).toBe(200);
        expect(await call(token, 'GET', 'secret/data/shop')).toMatchObject(UNKNOWN_TOKEN);
      });

      it('that is a batch token can be neither renewed nor revoked', async () => {
        const { client_token: token, accessor, renewable } = await logIn({ tokenType: 'batch' });
        expect([accessor, renewable]).toEqual(['', false]);
        expect(token).toMatch(/^(hvb|b)\./);
        expect(await renew(token)).toMatchObject({ status: 400, body: { errors: ['batch tokens cannot be renewed'] } });
        expect(await call(token, 'POST', 'auth/token/revoke-self', {})).toMatchObject({
          status: 400,
          body: { errors: ['batch tokens cannot be revoked'] },
        });
      });
    });

    describeVaultRenewals(() => ({ vault, logIn, logInWith, call }));

    describe('secrets', () => {
      it('are read', async () => {
        const { client_token: token } = await logIn();
        expect(await call(token, 'GET', 'secret/data/shop')).toMatchObject({
          status: 200,
          body: { data: { data: { password: 'correct horse' }, metadata: { version: 1, destroyed: false } } },
        });
      });

      it('are written in versions, with check-and-set, and deleted', async () => {
        const { client_token: token } = await logIn();
        const own = (method: string, body?: unknown) => call(token, method, 'secret/data/own', body);
        expect(await own('GET')).toMatchObject({ status: 404, body: { errors: [] } });
        expect(await own('POST', { data: { a: 1 } })).toMatchObject({ status: 200, body: { data: { version: 1 } } });
        expect(await own('PUT', { data: { a: 2 } })).toMatchObject({ status: 200, body: { data: { version: 2 } } });
        expect(await own('POST', { data: { a: 3 }, options: { cas: 1 } })).toMatchObject({
          status: 400,
          body: { errors: ['check-and-set parameter did not match the current version'] },
        });
        expect(await own('POST', {})).toMatchObject({ status: 400, body: { errors: ['no data provided'] } });
        expect(await own('GET')).toMatchObject({ status: 200, body: { data: { data: { a: 2 } } } });
        expect((await own('DELETE')).status).toBe(204);
        expect(await own('GET')).toMatchObject({
          status: 404,
          body: { data: { data: null, metadata: { version: 2 } } },
        });
        expect(await call(token, 'POST', 'secret/data/shop', { data: {} })).toMatchObject(DENIED_BY_POLICY);
      });
    });

    describe('an answer', () => {
      it('is wrapped when asked for, and unwrapped once', async () => {
        const { client_token: token } = await logIn();
        const wrapped = await call(token, 'GET', 'secret/data/shop', undefined, { 'x-vault-wrap-ttl': '1m' });
        expect(wrapped).toMatchObject({
          status: 200,
          body: { data: null, wrap_info: { ttl: 60, creation_path: 'secret/data/shop' } },
        });
        const unwrap = () => call(wrapped.body.wrap_info.token, 'POST', 'sys/wrapping/unwrap', {});
        expect((await unwrap()).body.data.data).toEqual({ password: 'correct horse' });
        const errors = ['wrapping token is not valid or does not exist'];
        expect(await unwrap()).toMatchObject({ status: 400, body: { errors } });
        expect(await call(token, 'GET', 'secret/data/shop', undefined, { 'x-vault-wrap-ttl': 'abc' })).toMatchObject({
          status: 400,
          body: { errors: ['error parsing X-Vault-Wrap-TTL header: time: invalid duration "abc"'] },
        });
      });

      it('is 503 to everything while it is sealed', async () => {
        const { client_token: token } = await logIn();
        await vault.setSealed(true);
        const sealed = { status: 503, body: { errors: ['Vault is sealed'] } };
        expect(await call(token, 'GET', 'secret/data/shop')).toMatchObject(sealed);
        expect(await logInWith({ role: 'app', jwt: await vault.jwt() })).toMatchObject(sealed);
        expect(await client.send('GET', '/v1/sys/health')).toMatchObject({
          status: 503,
          body: { initialized: true, sealed: true, standby: true },
        });
        await vault.setSealed(false);
        expect((await client.send('GET', '/v1/sys/health')).status).toBe(200);
        expect((await call(token, 'GET', 'secret/data/shop')).status).toBe(200);
      });
    });
  });
}
