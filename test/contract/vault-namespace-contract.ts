import type { EmbeddedVaultRole } from 'projected-token/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JsonClient } from '../helpers/json-client.js';

/** A server that speaks Vault's API, with everything in one namespace: the role `app`, and the secret `shop`. */
export interface VaultNamespaceUnderTest {
  readonly address: string;
  readonly namespace: string;
  setRole(role: EmbeddedVaultRole): Promise<void>;
  /** A new token of the service account `demo/app` for `vault`. */
  jwt(): Promise<string>;
  close(): Promise<void>;
}

const NOT_FOUND = { status: 404, body: { errors: ['namespace not found'] } };
const DENIED = { status: 403, body: { errors: ['permission denied'] } };
const DENIED_BY_POLICY = { status: 403, body: { errors: ['1 error occurred:\n\t* permission denied\n\n'] } };

/** What a Vault with namespaces answers inside of one, and outside. */
export function describeVaultNamespace(name: string, start: () => Promise<VaultNamespaceUnderTest>): void {
  describe(`${name}, in a namespace`, () => {
    let vault: VaultNamespaceUnderTest;
    let client: JsonClient;
    let token: string;

    beforeAll(async () => {
      vault = await start();
      client = new JsonClient(vault.address);
      await vault.setRole({ serviceAccounts: ['app'], namespaces: ['demo'], audience: 'vault', ttlSeconds: 600 });
      token = (await logIn(vault.namespace)).body.auth.client_token;
    });
    afterAll(() => vault?.close());

    const inNamespace = (namespace: string): Record<string, string> =>
      namespace === '' ? {} : { 'x-vault-namespace': namespace };
    const logIn = async (namespace: string, path = 'auth/kubernetes/login') =>
      client.send('POST', `/v1/${path}`, { role: 'app', jwt: await vault.jwt() }, inNamespace(namespace));
    const call = (namespace: string, method: string, path: string, body?: unknown) =>
      client.send(method, `/v1/${path}`, body, { 'x-vault-token': token, ...inNamespace(namespace) });

    it('a login names it in the header, with or without a slash, or in the path', async () => {
      for (const namespace of [vault.namespace, `${vault.namespace}/`, `/${vault.namespace}`]) {
        expect(await logIn(namespace)).toMatchObject({ status: 200, body: { auth: { policies: ['app', 'default'] } } });
      }
      expect((await logIn('', `${vault.namespace}/auth/kubernetes/login`)).status).toBe(200);
    });

    it('a login elsewhere finds no auth method, and none in a namespace that does not exist', async () => {
      expect(await logIn('')).toMatchObject(DENIED);
      expect(await logIn('none')).toMatchObject(NOT_FOUND);
      expect(await logIn(`${vault.namespace}/none`)).toMatchObject(NOT_FOUND);
    });

    it('a token reads there, by the header or the path, and nowhere else', async () => {
      const secret = { status: 200, body: { data: { data: { password: 'correct horse' } } } };
      expect(await call(vault.namespace, 'GET', 'secret/data/shop')).toMatchObject(secret);
      expect(await call('', 'GET', `${vault.namespace}/secret/data/shop`)).toMatchObject(secret);
      expect(await call('', 'GET', 'secret/data/shop')).toMatchObject(DENIED_BY_POLICY);
      expect(await call('none', 'GET', 'secret/data/shop')).toMatchObject(NOT_FOUND);
    });

    it('a token looks itself up and renews itself in every namespace that there is', async () => {
      for (const namespace of [vault.namespace, '']) {
        const { status, body } = await call(namespace, 'GET', 'auth/token/lookup-self');
        expect(status).toBe(200);
        expect(body.data).toMatchObject({
          display_name: `${vault.namespace}-auth-kubernetes-demo-app`,
          namespace_path: `${vault.namespace}/`,
          path: 'auth/kubernetes/login',
        });
        expect(await call(namespace, 'POST', 'auth/token/renew-self', {})).toMatchObject({
          status: 200,
          body: { auth: { lease_duration: 600 } },
        });
      }
      expect(await call('none', 'GET', 'auth/token/lookup-self')).toMatchObject(NOT_FOUND);
      expect(await call('none', 'POST', 'auth/token/renew-self', {})).toMatchObject(NOT_FOUND);
    });
  });
}
