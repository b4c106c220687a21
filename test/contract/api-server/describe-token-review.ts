import { decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import { APP_1, type ApiServerScene, failure, REVIEWS } from './api-server-scene.js';

/** How an API server reviews tokens. */
export function describeTokenReview(scene: ApiServerScene): void {
  describe('TokenReview', () => {
    const tokenFor = async (spec: object) =>
      (await scene.requestToken({ audiences: ['vault'], ...spec })).body.status.token;

    it('says who a token belongs to, and which of the audiences it has', async () => {
      const token = await tokenFor({ audiences: ['vault', 'billing'], boundObjectRef: APP_1 });
      const { jti, ...claims } = decodeJwt<{ 'kubernetes.io': { serviceaccount: { uid: string } } }>(token);
      expect(await scene.review(token, ['billing', 'mail'])).toEqual({
        authenticated: true,
        audiences: ['billing'],
        user: {
          username: 'system:serviceaccount:demo:app',
          uid: claims['kubernetes.io'].serviceaccount.uid,
          groups: ['system:serviceaccounts', 'system:serviceaccounts:demo', 'system:authenticated'],
          extra: {
            'authentication.kubernetes.io/credential-id': [`JTI=${jti}`],
            'authentication.kubernetes.io/node-name': ['node-x'],
            'authentication.kubernetes.io/node-uid': [scene.server.uids['node-x']],
            'authentication.kubernetes.io/pod-name': ['app-1'],
            'authentication.kubernetes.io/pod-uid': [scene.server.uids['app-1']],
          },
        },
      });
    });

    it('says why a token is not good', async () => {
      const token = await tokenFor({});
      const wrong = `token audiences ["vault"] is invalid for the target audiences ["${scene.server.issuer}"]`;
      const forged = `${token.slice(0, -6)}${token.endsWith('AAAAAA') ? 'BBBBBB' : 'AAAAAA'}`;
      const broken = 'go-jose/go-jose: error in cryptographic primitive';
      expect(await scene.review(token)).toEqual({ user: {}, error: `[invalid bearer token, ${wrong}]` });
      expect(await scene.review(forged, ['vault'])).toEqual({ user: {}, error: `[invalid bearer token, ${broken}]` });
      expect(await scene.review('hvs.abc', ['vault'])).toEqual({ user: {}, error: 'invalid bearer token' });
    });

    it('needs a token, of the right type', async () => {
      const missing = 'token is required for TokenReview in authentication';
      expect(await scene.caller.send('POST', REVIEWS, { spec: {} })).toMatchObject(failure(400, 'BadRequest', missing));
      const wrong =
        'TokenReview in version "v1" cannot be handled as a TokenReview: json: cannot unmarshal string into Go struct field TokenReviewSpec.spec.audiences of type []string';
      expect(await scene.caller.send('POST', REVIEWS, { spec: { token: 'x', audiences: 'x' } })).toMatchObject(
        failure(400, 'BadRequest', wrong),
      );
    });

    it('finds a token invalid once its pod, its secret or its service account is gone', async () => {
      const ofPod = await tokenFor({ boundObjectRef: { ...APP_1, name: 'app-2' } });
      const ofSecret = await tokenFor({ boundObjectRef: { kind: 'Secret', apiVersion: 'v1', name: 's' } });
      const other = await scene.requestToken(
        { audiences: ['vault'] },
        '/api/v1/namespaces/demo/serviceaccounts/other/token',
      );
      await scene.server.delete(['pods', 'app-2'], ['secrets', 's'], ['serviceaccounts', 'other']);
      const invalidated = { user: {}, error: '[invalid bearer token, service account token has been invalidated]' };
      expect(await scene.review(ofPod, ['vault'])).toEqual(invalidated);
      expect(await scene.review(ofSecret, ['vault'])).toEqual(invalidated);
      const error = '[invalid bearer token, serviceaccounts "other" not found]';
      expect(await scene.review(other.body.status.token, ['vault'])).toEqual({ user: {}, error });
    });
  });
}
