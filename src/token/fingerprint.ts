import { createHash } from 'node:crypto';

/** How many hexadecimal digits of a SHA-256 make a fingerprint. */
export const FINGERPRINT_LENGTH = 12;

/** First 12 hexadecimal digits of the SHA-256 of a token: tells two tokens apart, and gives nothing of them away. */
export function fingerprintOf(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, FINGERPRINT_LENGTH);
}
