import type { EmbeddedVaultRole } from 'projected-token/testing';
import { describe, expect, it } from 'vitest';
import type { JsonAnswer } from '../helpers/json-client.js';
import { ROLE, type VaultUnderTest } from './vault-under-test.js';

/** What the contract of a Vault has at hand. */
export interface VaultRequests {
  readonly vault: VaultUnderTest;
  /** Writes the role and logs in; resolves with `auth` of the answer. */
  logIn(role?: Partial<EmbeddedVaultRole>): Promise<JsonAnswer['body']>;
  logInWith(body: unknown): Promise<JsonAnswer>;
  /** Sends a request with a token. */
  call(token: string, method: string, path: string, body?: unknown): Promise<JsonAnswer>;
}

/** What a Vault answers to a renewal. */
export function describeVaultRenewals(requests: () => VaultRequests): void {
  describe('a renewal', () => {
    const logIn = (role?: Partial<EmbeddedVaultRole>) => requests().logIn(role);
    const renew = (token: string, body: unknown = {}) => requests().call(token, 'POST', 'auth/token/renew-self', body);
    const lookUp = (token: string) => requests().call(token, 'GET', 'auth/token/lookup-self');
    const setRole = (role?: Partial<EmbeddedVaultRole>) => requests().vault.setRole(role && { ...ROLE, ...role });
    const refused = (why: string) => ({
      status: 403,
      body: { errors: [`1 error occurred:\n\t* failed to renew entry: ${why}\n\n`] },
    });

    it('gives the TTL, or the increment that was asked for', async () => {
      const { client_token: token } = await logIn();
      const leases: [body: object, seconds: number][] = [
        [{ increment: 60 }, 60],
        [{ increment: '2m' }, 120],
        [{ increment: 0 }, 600],
        [{}, 600],
      ];
      for (const [body, seconds] of leases) {
        const answer = await renew(token, body);
        expect(answer).toMatchObject({
          status: 200,
          body: { auth: { client_token: token, lease_duration: seconds } },
        });
      }
      expect(await renew(token, { increment: 'x' })).toMatchObject({
        status: 400,
        body: {
          errors: ['Field validation failed: error converting input for field "increment": time: invalid duration "x"'],
        },
      });
      expect((await lookUp(token)).body.data).toHaveProperty('last_renewal_time');
    });

    it('goes as far as the maximum TTL, however often it is asked for', async () => {
      const { client_token: token } = await logIn({ ttlSeconds: 2, maxTtlSeconds: 3 });
      const begun = Date.now();
      let answer = await renew(token);
      while (answer.status === 200) {
        expect(Date.now() - begun).toBeLessThan(10_000);
        await new Promise((resolve) => setTimeout(resolve, 200));
        answer = await renew(token);
        if (answer.body.auth?.lease_duration === 1) {
          const warning = 'TTL of "2s" exceeded the effective max_ttl of "1s"; TTL value is capped accordingly';
          expect(answer.body.warnings).toEqual([warning]);
        }
      }
      // Its lease may end before its maximum TTL does, by the fraction of a second that both servers cut off.
      expect([403, 500]).toContain(answer.status);
      await expect.poll(async () => (await lookUp(token)).status, { timeout: 4000 }).toBe(403);
    });

    it('is refused past a maximum TTL that was lowered; the token lives on', async () => {
      const { client_token: token } = await logIn();
      await new Promise((resolve) => setTimeout(resolve, 2100));
      await setRole({ ttlSeconds: 1, maxTtlSeconds: 1 });
      const errors = ['1 error occurred:\n\t* past the max TTL, cannot renew\n\n'];
      expect(await renew(token)).toMatchObject({ status: 500, body: { errors } });
      expect((await lookUp(token)).status).toBe(200);
    });

    it('is refused when the role was deleted; the token lives on', async () => {
      const { client_token: token } = await logIn();
      await setRole(undefined);
      const errors = ['1 error occurred:\n\t* failed to renew entry: role app does not exist during renewal\n\n'];
      expect(await renew(token)).toMatchObject({ status: 500, body: { errors } });
      expect((await lookUp(token)).status).toBe(200);
    });

    it('of a periodic token gives its period, whatever is asked for', async () => {
      const auth = await logIn({ periodSeconds: 300 });
      expect(auth.lease_duration).toBe(300);
      expect((await renew(auth.client_token, { increment: 20 })).body.auth.lease_duration).toBe(300);
      expect((await lookUp(auth.client_token)).body.data).toMatchObject({ period: 300, creation_ttl: 300 });
    });

    it('checks the service account token of the login again, by the role as it is now', async () => {
      const { client_token: token } = await logIn();
      await setRole({ serviceAccounts: ['other'] });
      expect(await renew(token)).toMatchObject(refused('service account name not authorized'));
      await setRole({ namespaces: ['other'] });
      expect(await renew(token)).toMatchObject(refused('namespace not authorized'));
      await setRole({ audience: 'billing' });
      const audience = 'audience claim does not match any expected audience';
      expect(await renew(token)).toMatchObject(refused(`invalid audience (aud) claim: ${audience}`));
      await setRole({});
      expect((await renew(token)).status).toBe(200);
    });

    it('is refused once the service account token of the login has expired for a minute; the token lives on', async () => {
      const { vault, logInWith } = requests();
      await setRole({});
      const { body } = await logInWith({ role: 'app', jwt: await vault.jwt('vault', 'app', 57) });
      const token = body.auth.client_token;
      await expect
        .poll(() => renew(token), { timeout: 10_000 })
        .toMatchObject(refused('invalid expiration time (exp) claim: token is expired'));
      expect((await lookUp(token)).status).toBe(200);
    });

    it('is refused while the service account token cannot be reviewed', async () => {
      const { vault } = requests();
      const { client_token: token } = await logIn();
      await vault.setReviewing(false);
      const why = 'failed to validate token and secret still exist for "app" during renewal: permission denied';
      await expect.poll(() => renew(token), { timeout: 10_000 }).toMatchObject(refused(why));
      await vault.setReviewing(true);
      await expect.poll(async () => (await renew(token)).status, { timeout: 10_000 }).toBe(200);
    });
  });
}
