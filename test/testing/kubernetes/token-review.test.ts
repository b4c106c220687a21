import { describe, expect, it, vi } from 'vitest';
import { DEMO_CALLER, startDemoServer } from '../../helpers/demo-server.js';

describe('TokenReview', () => {
  it('says who a token belongs to, and which of the audiences it has', async () => {
    const { server, podUid, review } = await startDemoServer();
    const { token } = await server.createToken('demo', 'app', {
      audiences: ['vault', 'billing'],
      boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'app-1' },
    });
    expect(await review(token, ['billing', 'mail'])).toMatchObject({
      authenticated: true,
      audiences: ['billing'],
      user: {
        username: 'system:serviceaccount:demo:app',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:demo', 'system:authenticated'],
        extra: {
          'authentication.kubernetes.io/pod-name': ['app-1'],
          'authentication.kubernetes.io/pod-uid': [podUid],
          'authentication.kubernetes.io/node-name': ['worker-1'],
        },
      },
    });
  });

  it('asks for the audience of the API server when none is given', async () => {
    const { server, caller, review } = await startDemoServer();
    expect(await review(caller)).toMatchObject({ authenticated: true, audiences: [server.issuer] });
    const { token } = await server.createToken('demo', 'app', { audiences: ['vault'] });
    expect(await review(token)).toEqual({
      user: {},
      error: `[invalid bearer token, token audiences ["vault"] is invalid for the target audiences ["${server.issuer}"]]`,
    });
  });

  it('finds a token invalid once its pod is gone, and 60 s after the pod began to terminate', async () => {
    const { server, review } = await startDemoServer();
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'app-1' };
    const { token } = await server.createToken('demo', 'app', { audiences: ['vault'], boundObjectRef });
    vi.useFakeTimers({ toFake: ['Date'] });
    server.deletePod('demo', 'app-1', { terminating: true });
    vi.advanceTimersByTime(59_000);
    expect(await review(token, ['vault'])).toHaveProperty('authenticated', true);
    vi.advanceTimersByTime(2_000);
    const invalidated = '[invalid bearer token, service account token has been invalidated]';
    expect(await review(token, ['vault'])).toEqual({ user: {}, error: invalidated });
    server.deletePod('demo', 'app-1');
    expect(await review(token, ['vault'])).toEqual({ user: {}, error: invalidated });
  });

  it('finds a token invalid once its service account or pod was made anew', async () => {
    const { server, review } = await startDemoServer();
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'app-1' };
    const { token } = await server.createToken('demo', 'app', { audiences: ['vault'], boundObjectRef });
    server.addPod({ namespace: 'demo', name: 'app-1', serviceAccount: 'app' });
    expect((await review(token, ['vault'])).error).toMatch(
      /pod UID \(.+\) does not match service account pod ref claim/,
    );
    server.addServiceAccount('demo', 'app');
    expect((await review(token, ['vault'])).error).toMatch(/service account UID \(.+\) does not match claim/);
  });

  it('accepts a token up to 60 s past its expiry', async () => {
    const { server, review } = await startDemoServer();
    vi.useFakeTimers({ toFake: ['Date'] });
    const { token } = await server.createToken('demo', 'app', { audiences: ['vault'], expirationSeconds: 600 });
    vi.advanceTimersByTime(659_000);
    expect(await review(token, ['vault'])).toHaveProperty('authenticated', true);
    vi.advanceTimersByTime(3_000);
    expect(await review(token, ['vault'])).toEqual({
      user: {},
      error: '[invalid bearer token, service account token has expired]',
    });
  });

  it('says no more than that a token is invalid when it is not of its issuer, or no JWT', async () => {
    const { review } = await startDemoServer();
    expect(await review('hvs.abc', ['vault'])).toEqual({ user: {}, error: 'invalid bearer token' });
  });

  it('needs the permission to create tokenreviews, and a token', async () => {
    const { server, caller, call } = await startDemoServer();
    const path = '/apis/authentication.k8s.io/v1/tokenreviews';
    const { status, body } = await call('POST', path, { spec: { token: caller } });
    expect([status, body.message]).toEqual([
      403,
      `tokenreviews.authentication.k8s.io is forbidden: User "${DEMO_CALLER}" cannot create resource "tokenreviews" in API group "authentication.k8s.io" at the cluster scope`,
    ]);
    server.allow('system:serviceaccounts', 'create', 'tokenreviews');
    expect((await call('POST', path, { spec: {} })).status).toBe(400);
  });
});
