import { decodeProtectedHeader } from 'jose';
import { describe, expect, it } from 'vitest';
import { type ApiServerScene, failure, REVIEWS, TOKEN } from './api-server-scene.js';

/** Whom an API server lets in, and to what. */
export function describeAccess(scene: ApiServerScene): void {
  describe('access', () => {
    const user = 'system:serviceaccount:demo:nobody';
    const forbidden = (message: string, details: object) => failure(403, 'Forbidden', message, details);

    it('is denied with the verb and the resource that are missing', async () => {
      const cases: [method: string, path: string, message: string, details: object][] = [
        [
          'POST',
          TOKEN,
          `serviceaccounts "app" is forbidden: User "${user}" cannot create resource "serviceaccounts/token" in API group "" in the namespace "demo"`,
          { name: 'app', kind: 'serviceaccounts' },
        ],
        [
          'GET',
          '/api/v1/namespaces/demo/pods',
          `pods is forbidden: User "${user}" cannot list resource "pods" in API group "" in the namespace "demo"`,
          { kind: 'pods' },
        ],
        [
          'GET',
          '/api/v1/namespaces/demo/pods/app-1',
          `pods "app-1" is forbidden: User "${user}" cannot get resource "pods" in API group "" in the namespace "demo"`,
          { name: 'app-1', kind: 'pods' },
        ],
        [
          'GET',
          '/api/v1/nodes/node-x',
          `nodes "node-x" is forbidden: User "${user}" cannot get resource "nodes" in API group "" at the cluster scope`,
          { name: 'node-x', kind: 'nodes' },
        ],
        [
          'POST',
          REVIEWS,
          `tokenreviews.authentication.k8s.io is forbidden: User "${user}" cannot create resource "tokenreviews" in API group "authentication.k8s.io" at the cluster scope`,
          { group: 'authentication.k8s.io', kind: 'tokenreviews' },
        ],
        [
          'GET',
          '/apis/example.com/v1/things',
          `things.example.com is forbidden: User "${user}" cannot list resource "things" in API group "example.com" at the cluster scope`,
          { group: 'example.com', kind: 'things' },
        ],
        ['GET', '/nothing', `forbidden: User "${user}" cannot get path "/nothing"`, {}],
        ['POST', '/nothing', `forbidden: User "${user}" cannot post path "/nothing"`, {}],
      ];
      for (const [method, path, message, details] of cases) {
        const body = method === 'POST' ? { spec: { token: 'x' } } : undefined;
        expect(await scene.nobody.send(method, path, body)).toMatchObject(forbidden(message, details));
      }
    });

    it('is anonymous without a token, and unauthorized with a bad one', async () => {
      const message =
        'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" in the namespace "demo"';
      expect(await scene.anybody.send('GET', '/api/v1/namespaces/demo/pods')).toMatchObject(
        forbidden(message, { kind: 'pods' }),
      );
      const forVault = (await scene.requestToken({ audiences: ['vault'] })).body.status.token;
      for (const token of ['a.b.c', forVault]) {
        expect(await scene.clientOf(token).send('GET', '/api/v1/namespaces/demo/pods')).toMatchObject(
          failure(401, 'Unauthorized', 'Unauthorized'),
        );
      }
    });
  });

  describe('the OpenID documents', () => {
    it('are for service accounts', async () => {
      const path = '/.well-known/openid-configuration';
      const discovery = await scene.nobody.send('GET', path);
      expect(discovery.headers).toMatchObject({
        'content-type': 'application/json',
        'cache-control': 'public, max-age=3600',
      });
      expect(discovery.body).toEqual({
        issuer: scene.server.issuer,
        jwks_uri: expect.stringMatching(/\/openid\/v1\/jwks$/),
        response_types_supported: ['id_token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
      });
      const keys = await scene.nobody.send('GET', '/openid/v1/jwks');
      expect(keys.headers).toMatchObject({
        'content-type': 'application/jwk-set+json',
        'cache-control': 'public, max-age=3600',
      });
      const { kid } = decodeProtectedHeader((await scene.requestToken({})).body.status.token);
      expect(keys.body.keys).toEqual([{ use: 'sig', kty: 'RSA', kid, alg: 'RS256', n: expect.any(String), e: 'AQAB' }]);
      const message = `forbidden: User "system:anonymous" cannot get path "${path}"`;
      expect(await scene.anybody.send('GET', path)).toMatchObject(failure(403, 'Forbidden', message, {}));
    });
  });
}
