import { constants, KeyObject, type VerifyKeyObjectInput, verify } from 'node:crypto';
import { ConcurrencyLimit } from './concurrency-limit.js';
import type { PublicKey } from './key-set.js';
import type { ParsedToken } from './parse-token.js';
import { TokenBucket } from './token-bucket.js';
import { TokenVerificationError } from './token-verification-error.js';

/**
 * RSA signatures up to this size may be checked on the event loop: that takes some 25 µs, less than a round trip to a thread. An API
 * server signs with 2048 bits by default (kubeadm).
 */
const ON_EVENT_LOOP_BITS = 2048;
/** Limits the share of the event loop: a thousand such checks a second take a fortieth of it. The others go to the pool. */
const onEventLoop = new TokenBucket(100, 1);

/**
 * All other checks of the process. They use libuv's pool, whose four threads (`UV_THREADPOOL_SIZE`) also resolve names and read files:
 * sixteen checks of some 50 µs hold these up for a fifth of a millisecond. With two, the pool idles until the event loop hears of a result,
 * and at ten thousand forged tokens a second good ones queue.
 */
const checks = new ConcurrencyLimit({
  maxRunning: 16,
  maxWaiting: 5_000,
  timeoutMs: 5_000,
  toError: (why) =>
    new TokenVerificationError(
      'ERR_VERIFY_UNAVAILABLE',
      `The signature of the token was not checked: ${why}. This process receives more new tokens than it can check.`,
    ),
});

/**
 * Resolves with whether the key signed the token (RFC 7515 section 5.2).
 *
 * @throws `ERR_VERIFY_UNAVAILABLE` if too many checks are waiting
 */
export async function checkSignature({ text, header: { alg } }: ParsedToken, key: PublicKey): Promise<boolean> {
  const end = text.lastIndexOf('.');
  const signature = Buffer.from(text.slice(end + 1), 'base64url');
  const signed = Buffer.from(text.slice(0, end), 'latin1');
  const hash = hashOf(alg);
  const checkKey = checkKeyOf(key, alg);
  const { name, modulusLength } = key.algorithm as { name: string; modulusLength?: number };
  if (name === 'RSASSA-PKCS1-v1_5' && modulusLength! <= ON_EVENT_LOOP_BITS && onEventLoop.take()) {
    return verify(hash, signed, checkKey, signature);
  }
  return checks.run(() => verifyInPool(hash, signed, checkKey, signature));
}

/** Not by WebCrypto, which holds the event loop for twice as long to hand over a check. */
function verifyInPool(
  hash: string | null,
  signed: Buffer,
  key: VerifyKeyObjectInput,
  signature: Buffer,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    verify(hash, signed, key, signature, (error, isRight) => (error === null ? resolve(isRight) : reject(error)));
  });
}

const checkKeys = new WeakMap<PublicKey, VerifyKeyObjectInput>();

/** Returns a key with the parameters of `verify` for its algorithm (RFC 7518 sections 3.3 to 3.5). */
function checkKeyOf(key: PublicKey, alg: string): VerifyKeyObjectInput {
  let checkKey = checkKeys.get(key);
  if (checkKey === undefined) {
    checkKey = {
      key: KeyObject.from(key),
      ...(alg.startsWith('ES') && { dsaEncoding: 'ieee-p1363' as const }),
      ...(alg.startsWith('PS') && {
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
      }),
    };
    checkKeys.set(key, checkKey);
  }
  return checkKey;
}

/** Returns the sha256 of RS256; null for an algorithm whose name has no hash size, such as EdDSA. */
function hashOf(alg: string): string | null {
  const bits = /^(?:RS|PS|ES)(\d+)$/.exec(alg)?.[1];
  return bits === undefined ? null : `sha${bits}`;
}
