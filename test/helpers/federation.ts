import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { exportJWK, generateKeyPair, type JSONWebKeySet, SignJWT } from 'jose';
import type { TokenSource } from 'projected-token';
import { expect } from 'vitest';

/** A cluster that signs service account tokens. */
export interface TestCluster {
  readonly issuer: string;
  readonly jwks: JSONWebKeySet;
  /** A token of the service account `app` of the namespace `demo`. */
  mint(options: { audience: string | string[]; expiresInSeconds?: number }): Promise<string>;
}

export async function createTestCluster(issuer = 'https://oidc.cluster.test'): Promise<TestCluster> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const kid = randomUUID();
  return {
    issuer,
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' }] },
    mint({ audience, expiresInSeconds = 3600 }) {
      const now = Math.floor(Date.now() / 1000);
      const issuedAt = Math.min(now, now + expiresInSeconds - 3600);
      return new SignJWT({
        'kubernetes.io': { namespace: 'demo', serviceaccount: { name: 'app', uid: randomUUID() } },
      })
        .setProtectedHeader({ alg: 'ES256', kid })
        .setIssuer(issuer)
        .setSubject('system:serviceaccount:demo:app')
        .setAudience(audience)
        .setIssuedAt(issuedAt)
        .setNotBefore(issuedAt)
        .setExpirationTime(now + expiresInSeconds)
        .setJti(randomUUID())
        .sign(privateKey);
    },
  };
}

/** A source whose token the test replaces by hand, as the kubelet replaces the file. */
export class SettableSource implements TokenSource {
  /** What `getToken` gives. */
  current: string;
  /** What `replaceToken` finds; it becomes the current token then. */
  replacement: string | undefined;
  /** Tokens that were reported as refused. */
  readonly refused: string[] = [];

  constructor(current: string) {
    this.current = current;
  }

  async getToken(): Promise<string> {
    return this.current;
  }

  async replaceToken(refused: string): Promise<string | undefined> {
    this.refused.push(refused);
    if (this.replacement === undefined) return undefined;
    this.current = this.replacement;
    this.replacement = undefined;
    return this.current;
  }
}

/** What a promise rejects with; fails when it resolves. */
export async function rejectionOf(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await promise;
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
    return error as Error & Record<string, unknown>;
  }
  throw new Error('The promise resolved, and was expected to reject.');
}

/** Fails when any part of the token shows in what a logger could print of the error. */
export function expectNoToken(error: unknown, token: string): void {
  const printed = inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true });
  const [, payload, signature] = token.split('.');
  // Not toContain: its message would print the token.
  expect(printed.includes(payload!), 'the error shows the payload of the token').toBe(false);
  expect(printed.includes(signature!), 'the error shows the signature of the token').toBe(false);
}
