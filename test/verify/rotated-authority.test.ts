import { afterEach, expect, it, vi } from 'vitest';
import { TlsFront } from '../helpers/tls-front.js';
import { verifierCluster } from '../helpers/verifier-cluster.js';

const { start, server, serviceToken, mayReview, tokenOf, verifierOf } = verifierCluster();
let front: TlsFront;

afterEach(async () => {
  await front.close();
  vi.useRealTimers();
});

it.each(
  (['bundle', 'file', 'server'] as const).flatMap((order) => [
    [order, 'token-review' as const],
    [order, 'key-set' as const],
  ]),
)('The CA of the API server rotates under a verifier, the %s first, without a failure (%s)', async (order, method) => {
  await start();
  mayReview();
  front = await TlsFront.start(server().origin);
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
  const verifier = verifierOf({ method, apiServer: front.origin, ca: front.caFile });
  const asked = () => server().paths().length;
  for (let rotation = 0; rotation < 5; rotation++) {
    const before = asked();
    await serviceToken();
    const tokens = await Promise.all(Array.from({ length: 5 }, () => tokenOf()));
    const identities = await Promise.all(tokens.map(({ token }) => verifier.verify(token)));
    expect(identities.map(({ serviceAccount }) => serviceAccount.name)).toEqual(Array(5).fill('checkout'));
    expect(asked()).toBeGreaterThan(before);
    await front.rotate(order);
    // Past the hour for which keys that were fetched are used.
    vi.advanceTimersByTime(3_700_000);
  }
});
