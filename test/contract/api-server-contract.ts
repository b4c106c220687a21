import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JsonClient } from '../helpers/json-client.js';

/** Names of what is in the cluster of {@link ApiServerUnderTest}. */
export const SCENE = {
  /** Service accounts of the namespace `demo`. `caller` may request tokens of all and review tokens; `nobody` may do nothing. */
  serviceAccounts: ['caller', 'nobody', 'app', 'other'],
  /** Pods of `demo`, with their service accounts; on the node `node-x`. */
  pods: { 'app-1': 'app', 'app-2': 'app', 'other-1': 'other' },
  secret: 's',
  node: 'node-x',
  /** `--service-account-max-token-expiration` */
  maxExpirationSeconds: 36_000,
} as const;

/** A server that speaks Kubernetes' API: kube-apiserver, or the stand-in for it. It holds what {@link SCENE} says. */
export interface ApiServerUnderTest {
  readonly origin: string;
  readonly ca: string | undefined;
  readonly issuer: string;
  readonly uids: Readonly<Record<'app-1' | 's' | 'node-x', string>>;
  /** A token for the API server. */
  tokenOf(serviceAccount: 'caller' | 'nobody'): Promise<string>;
  /** Deletes objects, at once, and waits until nothing of them is in a cache any more. */
  delete(...objects: [kind: 'pods' | 'secrets' | 'serviceaccounts', name: string][]): Promise<void>;
  close(): Promise<void>;
}

const TOKEN = '/api/v1/namespaces/demo/serviceaccounts/app/token';
const REVIEWS = '/apis/authentication.k8s.io/v1/tokenreviews';
const APP_1 = { kind: 'Pod', apiVersion: 'v1', name: 'app-1' };

/** What an API server answers, as far as this library and its users' tests depend on it. */
export function describeApiServer(name: string, start: () => Promise<ApiServerUnderTest>): void {
  describe(name, () => {
    let server: ApiServerUnderTest;
    let caller: JsonClient;
    let nobody: JsonClient;
    let anybody: JsonClient;
    const clientOf = (token: string) => new JsonClient(server.origin, server.ca, { authorization: `Bearer ${token}` });

    beforeAll(async () => {
      server = await start();
      caller = clientOf(await server.tokenOf('caller'));
      nobody = clientOf(await server.tokenOf('nobody'));
      anybody = new JsonClient(server.origin, server.ca);
    }, 180_000);
    afterAll(() => server?.close());

    const requestToken = (spec: object, path = TOKEN) => caller.send('POST', path, { spec });
    const review = async (token: string, audiences?: readonly string[]) => {
      const { status, body } = await caller.send('POST', REVIEWS, { spec: { token, audiences } });
      expect(status).toBe(201);
      return body.status;
    };
    const failure = (code: number, reason: string, message: unknown, details?: object) => ({
      status: code,
      body: {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message,
        reason,
        ...(details && { details }),
        code,
      },
    });

    describe('TokenRequest', () => {
      it('issues a token with the audiences and the lifetime that were asked for', async () => {
        const { status, body } = await requestToken({ audiences: ['vault'], expirationSeconds: 600 });
        expect(status).toBe(201);
        expect(body).toMatchObject({
          kind: 'TokenRequest',
          apiVersion: 'authentication.k8s.io/v1',
          metadata: { name: 'app', namespace: 'demo', uid: expect.any(String), creationTimestamp: expect.any(String) },
          spec: { audiences: ['vault'], expirationSeconds: 600, boundObjectRef: null },
        });
        const claims = decodeJwt(body.status.token);
        expect(claims).toEqual({
          aud: ['vault'],
          exp: claims.iat! + 600,
          iat: expect.any(Number),
          iss: server.issuer,
          jti: expect.stringMatching(/^[\da-f-]{36}$/),
          'kubernetes.io': { namespace: 'demo', serviceaccount: { name: 'app', uid: body.metadata.uid } },
          nbf: claims.iat,
          sub: 'system:serviceaccount:demo:app',
        });
        expect(decodeProtectedHeader(body.status.token)).toEqual({ alg: 'RS256', kid: expect.any(String) });
        expect(Math.abs(Date.parse(body.status.expirationTimestamp) - claims.exp! * 1000)).toBeLessThanOrEqual(1000);
      });

      it('takes an hour and the audience of the API server when nothing is asked for', async () => {
        const { body } = await requestToken({});
        expect(body.spec).toMatchObject({ audiences: [server.issuer], expirationSeconds: 3600 });
      });

      it('binds to a pod and tells its node, to a secret, and to a node', async () => {
        const { uids } = server;
        const bound = async (boundObjectRef: object) => {
          const { body } = await requestToken({ audiences: ['vault'], boundObjectRef });
          const { serviceaccount, namespace, ...rest } = decodeJwt<{ 'kubernetes.io': Record<string, unknown> }>(
            body.status.token,
          )['kubernetes.io'];
          return rest;
        };
        const node = { name: 'node-x', uid: uids['node-x'] };
        const pod = { name: 'app-1', uid: uids['app-1'] };
        expect(await bound(APP_1)).toEqual({ pod, node });
        expect(await bound({ kind: 'Pod', name: 'app-1', uid: pod.uid })).toEqual({ pod, node });
        expect(await bound({ kind: 'Node', apiVersion: 'v1', name: 'node-x' })).toEqual({ node });
        expect(await bound({ kind: 'Secret', apiVersion: 'v1', name: 's' })).toEqual({
          secret: { name: 's', uid: uids.s },
        });
      });

      it('extends a pod-bound token of 3607 s for the API server to a year', async () => {
        const { body } = await requestToken({ expirationSeconds: 3607, boundObjectRef: APP_1 });
        const { iat, exp, ...claims } = decodeJwt<{ 'kubernetes.io': { warnafter: number } }>(body.status.token);
        expect([exp! - iat!, claims['kubernetes.io'].warnafter - iat!]).toEqual([365 * 24 * 3600, 3607]);
        expect(Math.abs(Date.parse(body.status.expirationTimestamp) / 1000 - iat! - 3607)).toBeLessThanOrEqual(1);
      });

      it('shortens what is longer than the maximum, with a warning', async () => {
        const { body, headers } = await requestToken({ expirationSeconds: 72_000 });
        expect(body.spec.expirationSeconds).toBe(36_000);
        expect(headers.warning).toBe('299 - "requested expiration of 72000 seconds shortened to 36000 seconds"');
      });

      it('says what cannot be bound', async () => {
        const bind = (boundObjectRef: object) => requestToken({ boundObjectRef });
        const notFound = (kind: string) => failure(404, 'NotFound', `${kind} "gone" not found`, { name: 'gone', kind });
        for (const [kind, plural] of [
          ['Pod', 'pods'],
          ['Secret', 'secrets'],
          ['Node', 'nodes'],
        ] as const) {
          expect(await bind({ kind, apiVersion: 'v1', name: 'gone' })).toMatchObject(notFound(plural));
        }
        for (const [kind, object] of [
          ['Pod', 'app-1'],
          ['Secret', 's'],
          ['Node', 'node-x'],
        ] as const) {
          const why =
            'the UID in the bound object reference (other) does not match the UID in record. The object might have been deleted and then recreated';
          const message = `Operation cannot be fulfilled on ${kind} "${object}": ${why}`;
          expect(await bind({ kind, apiVersion: 'v1', name: object, uid: 'other' })).toMatchObject(
            failure(409, 'Conflict', message, { name: object, kind }),
          );
        }
        const otherAccount =
          'cannot bind token for serviceaccount "app" to pod running with different serviceaccount name.';
        expect(await bind({ ...APP_1, name: 'other-1' })).toMatchObject(failure(400, 'BadRequest', otherAccount));
        const noType = (type: string) => failure(400, 'BadRequest', `cannot bind token to object of type ${type}`);
        expect(await bind({ kind: 'Deployment', apiVersion: 'apps/v1', name: 'app' })).toMatchObject(
          noType('apps/v1, Kind=Deployment'),
        );
        expect(await bind({})).toMatchObject(noType('/, Kind='));
      });

      it('says what is missing', async () => {
        expect(await requestToken({}, '/api/v1/namespaces/demo/serviceaccounts/gone/token')).toMatchObject(
          failure(404, 'NotFound', 'serviceaccounts "gone" not found', { name: 'gone', kind: 'serviceaccounts' }),
        );
        expect(await requestToken({}, '/api/v1/namespaces/absent/serviceaccounts/app/token')).toMatchObject(
          failure(404, 'NotFound', 'namespaces "absent" not found', { name: 'absent', kind: 'namespaces' }),
        );
      });

      it('says which lifetime is out of range', async () => {
        for (const [seconds, why] of [
          [599, 'may not specify a duration less than 10 minutes'],
          [2 ** 32 + 1, 'may not specify a duration larger than 2^32 seconds'],
        ] as const) {
          const message = `Invalid value: ${seconds}: ${why}`;
          const cause = { reason: 'FieldValueInvalid', message, field: 'spec.expirationSeconds' };
          expect(await requestToken({ expirationSeconds: seconds })).toMatchObject(
            failure(
              422,
              'Invalid',
              `TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: ${message}`,
              { group: 'authentication.k8s.io', kind: 'TokenRequest', causes: [cause] },
            ),
          );
        }
      });

      it('says which field is of another type, and what is no object at all', async () => {
        const cannot = (what: string) =>
          failure(400, 'BadRequest', `TokenRequest in version "v1" cannot be handled as a TokenRequest: json: ${what}`);
        const into = 'into Go struct field TokenRequestSpec.spec';
        expect(await requestToken({ expirationSeconds: '600' })).toMatchObject(
          cannot(`cannot unmarshal string ${into}.expirationSeconds of type int64`),
        );
        expect(await requestToken({ expirationSeconds: 600.5 })).toMatchObject(
          cannot(`cannot unmarshal number 600.5 ${into}.expirationSeconds of type int64`),
        );
        expect(await requestToken({ audiences: 'vault' })).toMatchObject(
          cannot(`cannot unmarshal string ${into}.audiences of type []string`),
        );
        for (const [body, shown] of [
          ['{', '{'],
          ['', '<empty>'],
        ] as const) {
          const what = `the object provided is unrecognized (must be of type TokenRequest): couldn't get version/kind; json parse error: unexpected end of JSON input (${shown})`;
          expect(await caller.send('POST', TOKEN, body)).toMatchObject(failure(400, 'BadRequest', what));
        }
        const name = 'Invalid value: "zz": must match the service account name if specified';
        expect(await caller.send('POST', TOKEN, { metadata: { name: 'zz' }, spec: {} })).toMatchObject({
          status: 422,
          body: { message: `TokenRequest.authentication.k8s.io "app" is invalid: metadata.name: ${name}` },
        });
      });
    });

    describe('TokenReview', () => {
      const tokenFor = async (spec: object) =>
        (await requestToken({ audiences: ['vault'], ...spec })).body.status.token;

      it('says who a token belongs to, and which of the audiences it has', async () => {
        const token = await tokenFor({ audiences: ['vault', 'billing'], boundObjectRef: APP_1 });
        const { jti, ...claims } = decodeJwt<{ 'kubernetes.io': { serviceaccount: { uid: string } } }>(token);
        expect(await review(token, ['billing', 'mail'])).toEqual({
          authenticated: true,
          audiences: ['billing'],
          user: {
            username: 'system:serviceaccount:demo:app',
            uid: claims['kubernetes.io'].serviceaccount.uid,
            groups: ['system:serviceaccounts', 'system:serviceaccounts:demo', 'system:authenticated'],
            extra: {
              'authentication.kubernetes.io/credential-id': [`JTI=${jti}`],
              'authentication.kubernetes.io/node-name': ['node-x'],
              'authentication.kubernetes.io/node-uid': [server.uids['node-x']],
              'authentication.kubernetes.io/pod-name': ['app-1'],
              'authentication.kubernetes.io/pod-uid': [server.uids['app-1']],
            },
          },
        });
      });

      it('says why a token is not good', async () => {
        const token = await tokenFor({});
        const wrong = `token audiences ["vault"] is invalid for the target audiences ["${server.issuer}"]`;
        const forged = `${token.slice(0, -6)}${token.endsWith('AAAAAA') ? 'BBBBBB' : 'AAAAAA'}`;
        const broken = 'go-jose/go-jose: error in cryptographic primitive';
        expect(await review(token)).toEqual({ user: {}, error: `[invalid bearer token, ${wrong}]` });
        expect(await review(forged, ['vault'])).toEqual({ user: {}, error: `[invalid bearer token, ${broken}]` });
        expect(await review('hvs.abc', ['vault'])).toEqual({ user: {}, error: 'invalid bearer token' });
      });

      it('needs a token, of the right type', async () => {
        const missing = 'token is required for TokenReview in authentication';
        expect(await caller.send('POST', REVIEWS, { spec: {} })).toMatchObject(failure(400, 'BadRequest', missing));
        const wrong =
          'TokenReview in version "v1" cannot be handled as a TokenReview: json: cannot unmarshal string into Go struct field TokenReviewSpec.spec.audiences of type []string';
        expect(await caller.send('POST', REVIEWS, { spec: { token: 'x', audiences: 'x' } })).toMatchObject(
          failure(400, 'BadRequest', wrong),
        );
      });

      it('finds a token invalid once its pod, its secret or its service account is gone', async () => {
        const ofPod = await tokenFor({ boundObjectRef: { ...APP_1, name: 'app-2' } });
        const ofSecret = await tokenFor({ boundObjectRef: { kind: 'Secret', apiVersion: 'v1', name: 's' } });
        const other = await requestToken(
          { audiences: ['vault'] },
          '/api/v1/namespaces/demo/serviceaccounts/other/token',
        );
        await server.delete(['pods', 'app-2'], ['secrets', 's'], ['serviceaccounts', 'other']);
        const invalidated = { user: {}, error: '[invalid bearer token, service account token has been invalidated]' };
        expect(await review(ofPod, ['vault'])).toEqual(invalidated);
        expect(await review(ofSecret, ['vault'])).toEqual(invalidated);
        const error = '[invalid bearer token, serviceaccounts "other" not found]';
        expect(await review(other.body.status.token, ['vault'])).toEqual({ user: {}, error });
      });
    });

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
          expect(await nobody.send(method, path, body)).toMatchObject(forbidden(message, details));
        }
      });

      it('is anonymous without a token, and unauthorized with a bad one', async () => {
        const message =
          'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" in the namespace "demo"';
        expect(await anybody.send('GET', '/api/v1/namespaces/demo/pods')).toMatchObject(
          forbidden(message, { kind: 'pods' }),
        );
        const forVault = (await requestToken({ audiences: ['vault'] })).body.status.token;
        for (const token of ['a.b.c', forVault]) {
          expect(await clientOf(token).send('GET', '/api/v1/namespaces/demo/pods')).toMatchObject(
            failure(401, 'Unauthorized', 'Unauthorized'),
          );
        }
      });
    });

    describe('the OpenID documents', () => {
      it('are for service accounts', async () => {
        const path = '/.well-known/openid-configuration';
        const discovery = await nobody.send('GET', path);
        expect(discovery.headers).toMatchObject({
          'content-type': 'application/json',
          'cache-control': 'public, max-age=3600',
        });
        expect(discovery.body).toEqual({
          issuer: server.issuer,
          jwks_uri: expect.stringMatching(/\/openid\/v1\/jwks$/),
          response_types_supported: ['id_token'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: ['RS256'],
        });
        const keys = await nobody.send('GET', '/openid/v1/jwks');
        expect(keys.headers).toMatchObject({
          'content-type': 'application/jwk-set+json',
          'cache-control': 'public, max-age=3600',
        });
        const { kid } = decodeProtectedHeader((await requestToken({})).body.status.token);
        expect(keys.body.keys).toEqual([
          { use: 'sig', kty: 'RSA', kid, alg: 'RS256', n: expect.any(String), e: 'AQAB' },
        ]);
        const message = `forbidden: User "system:anonymous" cannot get path "${path}"`;
        expect(await anybody.send('GET', path)).toMatchObject(failure(403, 'Forbidden', message, {}));
      });
    });
  });
}
