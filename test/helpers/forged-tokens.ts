import { generateKeyPairSync } from 'node:crypto';
import { type ForgingIssuer, signingInput } from './forging-issuer.js';

/** Tokens that nobody must accept: the name of the attack, how the token is made, and the code of the refusal. */
export const FORGED_TOKENS: readonly [name: string, forge: (issuer: ForgingIssuer) => string, code: string][] = [
  ['alg none without a signature', (i) => `${signingInput({ alg: 'none' }, i.claims())}.`, 'ERR_VERIFY_ALGORITHM'],
  ['alg none with a signature', (i) => i.sign(i.claims(), { alg: 'none', kid: i.kid }), 'ERR_VERIFY_ALGORITHM'],
  ['alg nOnE', (i) => i.sign(i.claims(), { alg: 'nOnE', kid: i.kid }), 'ERR_VERIFY_ALGORITHM'],
  ['no alg', (i) => i.sign(i.claims(), { kid: i.kid }), 'ERR_VERIFY_ALGORITHM'],
  [
    'HMAC with the public key as its secret',
    (i) => {
      const secret = i.publicKey.export({ type: 'spki', format: 'pem' }).toString();
      return i.signWithHmac(secret, { alg: 'HS256', kid: i.kid });
    },
    'ERR_VERIFY_ALGORITHM',
  ],
  [
    'HMAC with the public key as its secret, under the name of RS256',
    (i) => {
      const secret = i.publicKey.export({ type: 'spki', format: 'pem' }).toString();
      return i.signWithHmac(secret, { alg: 'RS256', kid: i.kid });
    },
    'ERR_VERIFY_SIGNATURE',
  ],
  ['another algorithm than that of the key', (i) => i.sign(i.claims(), { alg: 'ES256', kid: i.kid }), 'ERR_VERIFY_KEY'],
  ['an unknown kid', (i) => i.sign(i.claims(), { alg: 'RS256', kid: 'unknown' }), 'ERR_VERIFY_KEY'],
  ['no kid', (i) => i.sign(i.claims(), { alg: 'RS256' }), 'ERR_VERIFY_HEADER'],
  ['a key of the attacker under the kid of the issuer', (i) => signedBy(i, {}), 'ERR_VERIFY_SIGNATURE'],
  ['an embedded key (jwk)', (i) => signedBy(i, { jwk: attackerJwk }), 'ERR_VERIFY_HEADER'],
  ['the address of a key set (jku)', (i) => signedBy(i, { jku: 'https://attacker.test/keys' }), 'ERR_VERIFY_HEADER'],
  [
    'the address of a certificate (x5u)',
    (i) => signedBy(i, { x5u: 'https://attacker.test/cert' }),
    'ERR_VERIFY_HEADER',
  ],
  ['an embedded certificate (x5c)', (i) => signedBy(i, { x5c: ['MIIB'] }), 'ERR_VERIFY_HEADER'],
  ['a critical extension (crit)', (i) => genuine(i, { crit: ['exp'], exp: 1 }), 'ERR_VERIFY_HEADER'],
  ['an unencoded payload (b64)', (i) => genuine(i, { b64: false, crit: ['b64'] }), 'ERR_VERIFY_HEADER'],
  ['a token of another kind (typ)', (i) => genuine(i, { typ: 'at+jwt' }), 'ERR_VERIFY_HEADER'],
  ['an expired token', (i) => i.sign(i.claims({ exp: seconds(-61) })), 'ERR_VERIFY_EXPIRED'],
  ['no expiry', (i) => i.sign(i.claims({ exp: undefined })), 'ERR_VERIFY_CLAIM'],
  ['an expiry in text', (i) => i.sign(i.claims({ exp: '9999999999' })), 'ERR_VERIFY_MALFORMED'],
  ['a future nbf', (i) => i.sign(i.claims({ nbf: seconds(65) })), 'ERR_VERIFY_NOT_YET_VALID'],
  ['a future iat', (i) => i.sign(i.claims({ iat: seconds(65) })), 'ERR_VERIFY_NOT_YET_VALID'],
  ['another audience', (i) => i.sign(i.claims({ aud: ['mail'] })), 'ERR_VERIFY_AUDIENCE'],
  ['an audience that begins alike', (i) => i.sign(i.claims({ aud: ['billing.test', 'bill'] })), 'ERR_VERIFY_AUDIENCE'],
  ['no audience', (i) => i.sign(i.claims({ aud: [] })), 'ERR_VERIFY_AUDIENCE'],
  ['another issuer', (i) => i.sign(i.claims({ iss: 'https://attacker.test' })), 'ERR_VERIFY_ISSUER'],
  ['an issuer with a slash more', (i) => i.sign(i.claims({ iss: `${i.url}/` })), 'ERR_VERIFY_ISSUER'],
  ['no issuer', (i) => i.sign(i.claims({ iss: undefined })), 'ERR_VERIFY_ISSUER'],
  ['a truncated signature', (i) => i.sign().slice(0, -6), 'ERR_VERIFY_SIGNATURE'],
  ['a token cut in its payload', (i) => i.sign().slice(0, 120), 'ERR_VERIFY_MALFORMED'],
  ['no token at all', () => 'hvs.CAESIJ', 'ERR_VERIFY_MALFORMED'],
  ['a signature with spare bits set', (i) => withSpareBits(i.sign()), 'ERR_VERIFY_MALFORMED'],
  ['a changed payload', (i) => withClaims(i.sign(), i.claims({ sub: ADMIN, ...ADMIN_CLAIMS })), 'ERR_VERIFY_SIGNATURE'],
  ['a claim twice', (i) => i.sign(twice(i, '"sub"')), 'ERR_VERIFY_MALFORMED'],
  ['a claim twice, once with an escape', (i) => i.sign(twice(i, '"s\\u0075b"')), 'ERR_VERIFY_MALFORMED'],
  [
    'a claim twice inside of kubernetes.io',
    (i) => i.sign(JSON.stringify(i.claims()).replace('"namespace":', '"namespace":"kube-system","namespace":')),
    'ERR_VERIFY_MALFORMED',
  ],
  [
    'a header parameter twice',
    (i) => i.sign(i.claims(), `{"alg":"none","alg":"RS256","kid":"${i.kid}"}`),
    'ERR_VERIFY_MALFORMED',
  ],
  [
    'a payload that is no UTF-8',
    (i) => withPayload(i, Buffer.from('{"iss":"\xff"}', 'latin1')),
    'ERR_VERIFY_MALFORMED',
  ],
  ['a payload that is a list', (i) => i.sign('[]'), 'ERR_VERIFY_MALFORMED'],
  ['a header that is a list', (i) => i.sign(i.claims(), '[]'), 'ERR_VERIFY_MALFORMED'],
  ['a subject that contradicts kubernetes.io', (i) => i.sign(i.claims({ sub: ADMIN })), 'ERR_VERIFY_CLAIM'],
  ['no kubernetes.io', (i) => i.sign(i.claims({ 'kubernetes.io': undefined })), 'ERR_VERIFY_CLAIM'],
];

const ADMIN = 'system:serviceaccount:kube-system:admin';
const ADMIN_CLAIMS = { 'kubernetes.io': { namespace: 'kube-system', serviceaccount: { name: 'admin' } } };
const attacker = generateKeyPairSync('rsa', { modulusLength: 2048 });
const attackerJwk = attacker.publicKey.export({ format: 'jwk' });

function genuine(issuer: ForgingIssuer, header: Record<string, unknown>): string {
  return issuer.sign(issuer.claims(), { alg: 'RS256', kid: issuer.kid, ...header });
}

function signedBy(issuer: ForgingIssuer, header: Record<string, unknown>): string {
  return issuer.sign(issuer.claims(), { alg: 'RS256', kid: issuer.kid, ...header }, attacker.privateKey);
}

function withClaims(token: string, claims: Record<string, unknown>): string {
  const [header, , signature] = token.split('.');
  return [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
}

function withPayload(issuer: ForgingIssuer, payload: Buffer): string {
  const [header, , signature] = issuer.sign().split('.');
  return [header, payload.toString('base64url'), signature].join('.');
}

// 256 bytes are 342 characters of base64url; the last four bits of the last one mean nothing.
function withSpareBits(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return token.slice(0, -1) + alphabet[alphabet.indexOf(token.at(-1)!) + 1];
}

function twice(issuer: ForgingIssuer, name: string): string {
  return JSON.stringify(issuer.claims()).replace('{', `{${name}:"${ADMIN}",`);
}

function seconds(fromNow: number): number {
  return Math.floor(Date.now() / 1000) + fromNow;
}
