import type { LoopbackRequest, LoopbackResponse } from '../../src/testing/loopback-server.js';
import type { ForgingIssuer } from './forging-issuer.js';
import { serveLoopback } from './serve-loopback.js';

type Response = Partial<LoopbackResponse> | Promise<Partial<LoopbackResponse>>;

/** An API server in clear text for the tokens of an issuer, which answers reviews, and requests for the keys, as told. */
export async function serveReviews(
  issuer: ForgingIssuer,
  review: (token: string) => Response,
  keys: 'shown' | 'forbidden' | (() => 'shown' | 'forbidden') = 'shown',
): Promise<{ origin: string; reviews: () => number; keyRequests: () => number }> {
  const answer = ({ url, body }: LoopbackRequest): Response => {
    if (url.pathname.endsWith('/tokenreviews')) return review(JSON.parse(body).spec.token);
    if ((typeof keys === 'string' ? keys : keys()) === 'forbidden') return { status: 403 };
    const isDiscovery = url.pathname === '/.well-known/openid-configuration';
    return { body: JSON.stringify(isDiscovery ? { issuer: issuer.url } : { keys: [issuer.jwk] }) };
  };
  const { origin, seen } = await serveLoopback(answer);
  const reviews = () => seen.filter(({ url }) => url.pathname.endsWith('/tokenreviews')).length;
  return { origin, reviews, keyRequests: () => seen.length - reviews() };
}

/** What an API server answers for a good token of {@link ForgingIssuer.claims}. */
export const ACCEPTED: Partial<LoopbackResponse> = reviewed({
  authenticated: true,
  audiences: ['billing'],
  user: { username: 'system:serviceaccount:shop:checkout' },
});

/** An answer to a review with this status. */
export function reviewed(status: unknown): Partial<LoopbackResponse> {
  return { status: 201, body: JSON.stringify({ kind: 'TokenReview', status }) };
}
