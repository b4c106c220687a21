import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { FaultyServer, statusAnswer } from './faulty-server.js';
import { signingInput } from './forging-issuer.js';
import { ok } from './raw-server.js';

/** Keys are made once: it is their names that are new at each rotation. */
const KEYS = Array.from({ length: 4 }, () => generateKeyPairSync('ec', { namedCurve: 'P-256' }));
const STRANGER = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

/** A key under a name, and since when it is not published any more, on the monotonic clock. */
interface NamedKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly jwk: Readonly<Record<string, unknown>>;
  withdrawnAtMs: number;
}

/** A token and what is true of it. */
export interface MadeToken {
  readonly text: string;
  readonly cluster: FaultyCluster;
  /** Undefined for a forged token. */
  readonly key: NamedKey | undefined;
  readonly issuedAtSeconds: number;
  readonly expiresAtSeconds: number;
  /** Since when its pod is gone, on the monotonic clock. */
  revokedAtMs: number;
}

/** A cluster that signs tokens, publishes keys and reviews tokens, with every way not to. */
export class FaultyCluster {
  server!: FaultyServer;
  /** How many times discovery document or keys were asked for. */
  keyRequests = 0;
  readonly #tokens = new Map<string, MadeToken>();
  #published: NamedKey[] = [];
  #made = 0;

  private constructor(readonly issuer: string) {}

  static async start(issuer: string): Promise<FaultyCluster> {
    const cluster = new FaultyCluster(issuer);
    cluster.server = await FaultyServer.start((request) => {
      if (!request.startsWith('POST')) cluster.keyRequests++;
      return () => cluster.#answer(request);
    });
    return cluster;
  }

  /** As at the start, for the next sequence. */
  reset(): void {
    this.server.mood = 'well';
    this.keyRequests = 0;
    this.#tokens.clear();
    this.#published = [];
    this.rotateKey();
  }

  /** Another key signs from now on; those before stay published. */
  rotateKey(): void {
    const number = this.#made++;
    const { publicKey, privateKey } = KEYS[number % KEYS.length]!;
    const kid = `key-${number}`;
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' };
    this.#published.push({ kid, privateKey, jwk, withdrawnAtMs: Number.POSITIVE_INFINITY });
  }

  /** Only the newest key is published from now on. */
  withdrawKeys(): void {
    for (const key of this.#published.splice(0, this.#published.length - 1)) key.withdrawnAtMs = performance.now();
  }

  mint(lifeSeconds: number): MadeToken {
    const key = this.#published.at(-1)!;
    return this.#make(lifeSeconds, key.kid, key.privateKey, key);
  }

  /** A token that nobody must accept: signed by somebody else, under the name of a published key or one that is made up. */
  forge(how: 'known kid' | 'unknown kid'): MadeToken {
    const kid = how === 'known kid' ? this.#published.at(-1)!.kid : `made-up-${this.#made++}`;
    return this.#make(3600, kid, STRANGER, undefined);
  }

  #make(lifeSeconds: number, kid: string, privateKey: KeyObject, key: NamedKey | undefined): MadeToken {
    const issuedAtSeconds = Math.floor(Date.now() / 1000);
    const expiresAtSeconds = issuedAtSeconds + lifeSeconds;
    const input = signingInput(
      { alg: 'ES256', kid },
      {
        iss: this.issuer,
        sub: 'system:serviceaccount:shop:checkout',
        aud: ['billing'],
        iat: issuedAtSeconds,
        nbf: issuedAtSeconds,
        exp: expiresAtSeconds,
        jti: String(this.#made++),
        'kubernetes.io': { namespace: 'shop', serviceaccount: { name: 'checkout', uid: 'uid' } },
      },
    );
    const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    const text = `${input}.${signature.toString('base64url')}`;
    const revokedAtMs = Number.POSITIVE_INFINITY;
    const token: MadeToken = { text, cluster: this, key, issuedAtSeconds, expiresAtSeconds, revokedAtMs };
    this.#tokens.set(text, token);
    return token;
  }

  #answer(request: string): string {
    const path = request.split(' ', 2)[1]!;
    if (path.endsWith('/tokenreviews')) {
      return ok(JSON.stringify({ status: this.#review(JSON.parse(request.split('\r\n\r\n')[1]!).spec.token) }));
    }
    if (path === '/.well-known/openid-configuration') return ok(JSON.stringify({ issuer: this.issuer }));
    if (path === '/openid/v1/jwks') return ok(JSON.stringify({ keys: this.#published.map(({ jwk }) => jwk) }));
    return statusAnswer(404, []);
  }

  #review(text: string): object {
    const token = this.#tokens.get(text);
    const isGood =
      token?.key !== undefined &&
      this.#published.includes(token.key) &&
      token.revokedAtMs === Number.POSITIVE_INFINITY &&
      Date.now() < token.expiresAtSeconds * 1000;
    if (!isGood) return { error: 'invalid bearer token' };
    const user = { username: 'system:serviceaccount:shop:checkout' };
    return { authenticated: true, audiences: ['billing'], user };
  }
}
