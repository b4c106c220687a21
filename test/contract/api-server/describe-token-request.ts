import { decodeJwt, decodeProtectedHeader } from 'jose';
import { describe, expect, it } from 'vitest';
import { APP_1, type ApiServerScene, failure, TOKEN } from './api-server-scene.js';

/** How an API server issues tokens. */
export function describeTokenRequest(scene: ApiServerScene): void {
  describe('TokenRequest', () => {
    it('issues a token with the audiences and the lifetime that were asked for', async () => {
      const { status, body } = await scene.requestToken({ audiences: ['vault'], expirationSeconds: 600 });
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
        iss: scene.server.issuer,
        jti: expect.stringMatching(/^[\da-f-]{36}$/),
        'kubernetes.io': { namespace: 'demo', serviceaccount: { name: 'app', uid: body.metadata.uid } },
        nbf: claims.iat,
        sub: 'system:serviceaccount:demo:app',
      });
      expect(decodeProtectedHeader(body.status.token)).toEqual({ alg: 'RS256', kid: expect.any(String) });
      expect(Math.abs(Date.parse(body.status.expirationTimestamp) - claims.exp! * 1000)).toBeLessThanOrEqual(1000);
    });

    it('takes an hour and the audience of the API server when nothing is asked for', async () => {
      const { body } = await scene.requestToken({});
      expect(body.spec).toMatchObject({ audiences: [scene.server.issuer], expirationSeconds: 3600 });
    });

    it('binds to a pod and tells its node, to a secret, and to a node', async () => {
      const { uids } = scene.server;
      const bound = async (boundObjectRef: object) => {
        const { body } = await scene.requestToken({ audiences: ['vault'], boundObjectRef });
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
      const { body } = await scene.requestToken({ expirationSeconds: 3607, boundObjectRef: APP_1 });
      const { iat, exp, ...claims } = decodeJwt<{ 'kubernetes.io': { warnafter: number } }>(body.status.token);
      expect([exp! - iat!, claims['kubernetes.io'].warnafter - iat!]).toEqual([365 * 24 * 3600, 3607]);
      expect(Math.abs(Date.parse(body.status.expirationTimestamp) / 1000 - iat! - 3607)).toBeLessThanOrEqual(1);
    });

    it('shortens what is longer than the maximum, with a warning', async () => {
      const { body, headers } = await scene.requestToken({ expirationSeconds: 72_000 });
      expect(body.spec.expirationSeconds).toBe(36_000);
      expect(headers.warning).toBe('299 - "requested expiration of 72000 seconds shortened to 36000 seconds"');
    });

    it('says what cannot be bound', async () => {
      const bind = (boundObjectRef: object) => scene.requestToken({ boundObjectRef });
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
      expect(await scene.requestToken({}, '/api/v1/namespaces/demo/serviceaccounts/gone/token')).toMatchObject(
        failure(404, 'NotFound', 'serviceaccounts "gone" not found', { name: 'gone', kind: 'serviceaccounts' }),
      );
      expect(await scene.requestToken({}, '/api/v1/namespaces/absent/serviceaccounts/app/token')).toMatchObject(
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
        expect(await scene.requestToken({ expirationSeconds: seconds })).toMatchObject(
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
      expect(await scene.requestToken({ expirationSeconds: '600' })).toMatchObject(
        cannot(`cannot unmarshal string ${into}.expirationSeconds of type int64`),
      );
      expect(await scene.requestToken({ expirationSeconds: 600.5 })).toMatchObject(
        cannot(`cannot unmarshal number 600.5 ${into}.expirationSeconds of type int64`),
      );
      expect(await scene.requestToken({ audiences: 'vault' })).toMatchObject(
        cannot(`cannot unmarshal string ${into}.audiences of type []string`),
      );
      for (const [body, shown] of [
        ['{', '{'],
        ['', '<empty>'],
      ] as const) {
        const what = `the object provided is unrecognized (must be of type TokenRequest): couldn't get version/kind; json parse error: unexpected end of JSON input (${shown})`;
        expect(await scene.caller.send('POST', TOKEN, body)).toMatchObject(failure(400, 'BadRequest', what));
      }
      const name = 'Invalid value: "zz": must match the service account name if specified';
      expect(await scene.caller.send('POST', TOKEN, { metadata: { name: 'zz' }, spec: {} })).toMatchObject({
        status: 422,
        body: { message: `TokenRequest.authentication.k8s.io "app" is invalid: metadata.name: ${name}` },
      });
    });
  });
}
