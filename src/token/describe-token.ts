import { BoundToken } from './bound-token.js';

/** Says of whom a token is, for whom, and who issued it: completes "The token …" in the message of a server's refusal. */
export function describeToken(jwt: string): string {
  try {
    const { subject, audiences, issuer } = BoundToken.parse(jwt);
    const whom = audiences.map((audience) => JSON.stringify(audience)).join(', ') || 'no audience';
    return `is of ${subject} for ${whom}, issued by ${issuer ?? 'nobody'}`;
  } catch {
    return 'is not a JWT';
  }
}
