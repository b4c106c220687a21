import { createHmac, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { createLoopbackCertificate } from '../../src/testing/loopback-certificate.js';
import { type LoopbackRequest, type LoopbackResponse, LoopbackServer } from '../../src/testing/loopback-server.js';

type Json = string | Record<string, unknown>;

/** An issuer that signs anything, even what no API server would, and publishes its RSA key over HTTPS. */
export class ForgingIssuer {
  /** How often the key set was fetched. */
  keyFetches = 0;
  /** The header `Authorization` of each request. */
  readonly authorizations: (string | undefined)[] = [];
  readonly kid = randomUUID();
  readonly #keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  #server!: LoopbackServer;

  private constructor(
    /** The CA certificate that its clients have to trust. */
    readonly ca: string,
  ) {}

  static async start(): Promise<ForgingIssuer> {
    const certificate = createLoopbackCertificate();
    const issuer = new ForgingIssuer(certificate.cert);
    issuer.#server = await LoopbackServer.start((request) => issuer.#answer(request), certificate);
    return issuer;
  }

  get url(): string {
    return this.#server.origin;
  }

  get publicKey(): KeyObject {
    return this.#keys.publicKey;
  }

  /** The key as it is published. */
  get jwk(): Record<string, unknown> {
    return { ...this.publicKey.export({ format: 'jwk' }), kid: this.kid, alg: 'RS256', use: 'sig' };
  }

  /** The claims of a good token for the audience `billing`; given ones replace them. */
  claims(replacing: Record<string, unknown> = {}): Record<string, unknown> {
    const now = Math.floor(Date.now() / 1000);
    return {
      iss: this.url,
      sub: 'system:serviceaccount:shop:checkout',
      aud: ['billing'],
      exp: now + 3600,
      iat: now,
      nbf: now,
      'kubernetes.io': {
        namespace: 'shop',
        serviceaccount: { name: 'checkout', uid: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6' },
        pod: { name: 'checkout-1', uid: '6ba7b810-9dad-11d1-80b4-00c04fd430c8' },
        node: { name: 'worker-1' },
      },
      ...replacing,
    };
  }

  /** Signs with the published key, whatever the header says. */
  sign(payload: Json = this.claims(), header: Json = { alg: 'RS256', kid: this.kid }, key?: KeyObject): string {
    const input = signingInput(header, payload);
    return `${input}.${sign('sha256', Buffer.from(input), key ?? this.#keys.privateKey).toString('base64url')}`;
  }

  /** Signs with HMAC, whose secret is a text that everybody knows. */
  signWithHmac(secret: string, header: Json): string {
    const input = signingInput(header, this.claims());
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
  }

  async close(): Promise<void> {
    await this.#server.close();
  }

  async #answer({ url, headers }: LoopbackRequest): Promise<LoopbackResponse> {
    this.authorizations.push(headers.authorization);
    if (url.pathname === '/.well-known/openid-configuration') {
      return { status: 200, body: JSON.stringify({ issuer: this.url, jwks_uri: `${this.url}/keys` }) };
    }
    this.keyFetches += 1;
    return { status: 200, body: JSON.stringify({ keys: [this.jwk] }) };
  }
}

/** Header and payload in base64url; text is taken as it is, for JSON that no serializer would write. */
export function signingInput(header: Json, payload: Json): string {
  const encode = (part: Json) =>
    Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');
  return `${encode(header)}.${encode(payload)}`;
}
