import type { TokenVerifierOptions } from 'projected-token/verify';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { expectNoToken, rejectionOf } from '../helpers/federation.js';
import { verifierCluster } from '../helpers/verifier-cluster.js';

afterEach(() => {
  vi.useRealTimers();
});

describe('By TokenReview', () => {
  const { start, server, tokenOf, verifierOf: verifier, mayReview } = verifierCluster();
  const reviews = () =>
    server()
      .paths()
      .filter((path) => path === '/apis/authentication.k8s.io/v1/tokenreviews').length;
  const verifierOf = (options: Partial<TokenVerifierOptions> = {}) => verifier({ method: 'token-review', ...options });

  it('asks the API server, once in 10 s for a token', async () => {
    await start();
    mayReview();
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    const verifier = verifierOf();
    const { token } = await tokenOf({ bound: true });
    const [identity] = await Promise.all([verifier.verify(token), verifier.verify(token), verifier.verify(token)]);
    expect(identity).toMatchObject({ namespace: 'shop', pod: { name: 'checkout-1' }, audiences: ['billing'] });
    vi.advanceTimersByTime(9_999);
    await verifier.verify(token);
    expect(reviews()).toBe(1);
    vi.advanceTimersByTime(1);
    await verifier.verify(token);
    expect(reviews()).toBe(2);
  });

  it('notices within 10 s that the pod is gone', async () => {
    await start();
    mayReview();
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    const verifier = verifierOf();
    const { token } = await tokenOf({ bound: true });
    await verifier.verify(token);
    server().deletePod('shop', 'checkout-1');
    vi.advanceTimersByTime(10_000);
    const error = await rejectionOf(verifier.verify(token));
    expect(error).toHaveProperty('code', 'ERR_VERIFY_REVOKED');
    expect(error.message).toContain('service account token has been invalidated');
    expectNoToken(error, token);
    vi.advanceTimersByTime(1_999);
    await rejectionOf(verifier.verify(token));
    expect(reviews(), 'a refusal is kept for 2 s').toBe(2);
    vi.advanceTimersByTime(1);
    await rejectionOf(verifier.verify(token));
    expect(reviews()).toBe(3);
  });

  it('does not let in what the local rules forbid, whatever the API server says', async () => {
    await start();
    mayReview();
    const { token } = await tokenOf({ audiences: ['mail'] });
    expect(await rejectionOf(verifierOf().verify(token))).toHaveProperty('code', 'ERR_VERIFY_AUDIENCE');
    expect(server().paths()).toEqual([]);
    const listed = verifierOf({ namespaces: ['mail'] });
    expect(await rejectionOf(listed.verify((await tokenOf()).token))).toHaveProperty('code', 'ERR_VERIFY_FORBIDDEN');
  });

  it('says what its own service account lacks', async () => {
    await start();
    const error = await rejectionOf(verifierOf().verify((await tokenOf()).token));
    expect(error).toHaveProperty('code', 'ERR_VERIFY_UNAVAILABLE');
    expect(error.message).toContain('system:auth-delegator');
  });

  it('lets nobody in while the API server is down, beyond what it was told in the last 10 s', async () => {
    await start();
    mayReview();
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    const verifier = verifierOf();
    const { token } = await tokenOf();
    await verifier.verify(token);
    await server().close();
    await verifier.verify(token);
    vi.advanceTimersByTime(10_000);
    const error = await rejectionOf(verifier.verify(token));
    expect(error).toMatchObject({ code: 'ERR_VERIFY_UNAVAILABLE', cause: { code: 'ECONNREFUSED' } });
    expectNoToken(error, token);
    await server().resume();
    await verifier.verify(token);
  });

  it.each([
    [
      'no audiences',
      { authenticated: true, user: { username: 'system:serviceaccount:shop:checkout' } },
      'ERR_VERIFY_AUDIENCE',
    ],
    ['another user', { authenticated: true, audiences: ['billing'], user: { username: 'admin' } }, 'ERR_VERIFY_CLAIM'],
  ])('does not accept an answer with %s', async (_what, status, code) => {
    await start();
    const { LoopbackServer } = await import('../../src/testing/loopback-server.js');
    const old = await LoopbackServer.start(async () => ({ status: 201, body: JSON.stringify({ status }) }));
    const verifier = verifierOf({ apiServer: old.origin });
    expect(await rejectionOf(verifier.verify((await tokenOf()).token))).toHaveProperty('code', code);
    await old.close();
  });
});
