import { decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import { DEMO_CALLER, startDemoServer } from '../../helpers/demo-server.js';

describe('TokenRequest', () => {
  it('issues a token with the audiences, the lifetime and the pod that were asked for', async () => {
    const { server, podUid, requestToken } = await startDemoServer();
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'app-1', uid: podUid };
    const { status, body } = await requestToken({ audiences: ['vault'], expirationSeconds: 600, boundObjectRef });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      spec: { audiences: ['vault'], expirationSeconds: 600, boundObjectRef },
    });
    const claims = decodeJwt(body.status.token);
    expect(claims).toMatchObject({
      iss: server.issuer,
      sub: 'system:serviceaccount:demo:app',
      aud: ['vault'],
      'kubernetes.io': { namespace: 'demo', pod: { name: 'app-1', uid: podUid }, node: { name: 'worker-1' } },
    });
    expect(claims.exp! - claims.iat!).toBe(600);
    expect(Date.parse(body.status.expirationTimestamp)).toBe(claims.exp! * 1000);
  });

  it('takes the audiences of the API server and 3600 s when nothing is asked for', async () => {
    const { requestToken } = await startDemoServer({ apiAudiences: ['https://kubernetes.default.svc', 'api'] });
    const { body } = await requestToken({});
    expect(body.spec).toMatchObject({ audiences: ['https://kubernetes.default.svc', 'api'], expirationSeconds: 3600 });
  });

  it('shortens what is longer than the maximum, with a warning', async () => {
    const { requestToken } = await startDemoServer({ maxExpirationSeconds: 3600 });
    const { body, headers } = await requestToken({ audiences: ['vault'], expirationSeconds: 7200 });
    expect(body.spec.expirationSeconds).toBe(3600);
    expect(headers.get('Warning')).toBe('299 - "requested expiration of 7200 seconds shortened to 3600 seconds"');
  });

  it('extends a pod-bound token of 3607 s for the API server to a year, and reports the expiry that was asked for', async () => {
    const { requestToken } = await startDemoServer();
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'app-1' };
    const { body } = await requestToken({ expirationSeconds: 3607, boundObjectRef });
    const claims = decodeJwt<{ 'kubernetes.io': { warnafter: number } }>(body.status.token);
    expect(claims.exp! - claims.iat!).toBe(365 * 24 * 3600);
    expect(claims['kubernetes.io'].warnafter - claims.iat!).toBe(3607);
    expect(Date.parse(body.status.expirationTimestamp)).toBe((claims.iat! + 3607) * 1000);
    const other = await requestToken({ expirationSeconds: 3607, boundObjectRef, audiences: ['vault'] });
    expect(decodeJwt(other.body.status.token)['kubernetes.io']).not.toHaveProperty('warnafter');
  });

  it.each([
    [599, 'may not specify a duration less than 10 minutes'],
    [2 ** 32 + 1, 'may not specify a duration larger than 2^32 seconds'],
  ])('refuses a lifetime of %i s with 422', async (expirationSeconds, why) => {
    const { requestToken } = await startDemoServer();
    const { status, body } = await requestToken({ expirationSeconds });
    const message = `Invalid value: ${expirationSeconds}: ${why}`;
    expect(status).toBe(422);
    expect(body).toMatchObject({
      kind: 'Status',
      status: 'Failure',
      reason: 'Invalid',
      code: 422,
      message: `TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: ${message}`,
      details: { causes: [{ reason: 'FieldValueInvalid', message, field: 'spec.expirationSeconds' }] },
    });
  });

  it.each([600, 2 ** 32])('grants a lifetime of %i s', async (expirationSeconds) => {
    const { requestToken } = await startDemoServer();
    expect((await requestToken({ expirationSeconds })).status).toBe(201);
  });

  it('answers 404, 400 and 409 for what cannot be bound, in the words of Kubernetes', async () => {
    const { server, requestToken } = await startDemoServer();
    server.addPod({ namespace: 'demo', name: 'other-1', serviceAccount: 'other' });
    const bind = async (reference: object) => {
      const { status, body } = await requestToken({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', ...reference } });
      return [status, body.reason, body.message];
    };
    expect(await bind({ name: 'gone' })).toEqual([404, 'NotFound', 'pods "gone" not found']);
    expect(await bind({ name: 'other-1' })).toEqual([
      400,
      'BadRequest',
      'cannot bind token for serviceaccount "app" to pod running with different serviceaccount name.',
    ]);
    expect(await bind({ kind: 'Deployment', apiVersion: 'apps/v1', name: 'app' })).toEqual([
      400,
      'BadRequest',
      'cannot bind token to object of type apps/v1, Kind=Deployment',
    ]);
    expect(await bind({ name: 'app-1', uid: 'another' })).toEqual([
      409,
      'Conflict',
      'Operation cannot be fulfilled on Pod "app-1": the UID in the bound object reference (another) does not match the UID in record. The object might have been deleted and then recreated',
    ]);
    expect((await requestToken({}, 'nobody')).body.message).toBe('serviceaccounts "nobody" not found');
  });

  it('answers 403 with the missing verb and resource', async () => {
    const { call } = await startDemoServer();
    const { status, body } = await call('POST', '/api/v1/namespaces/demo/serviceaccounts/app/token', { spec: {} });
    expect(status).toBe(403);
    expect(body).toMatchObject({
      reason: 'Forbidden',
      message: `serviceaccounts "app" is forbidden: User "${DEMO_CALLER}" cannot create resource "serviceaccounts/token" in API group "" in the namespace "demo"`,
    });
  });
});
