import { inspect } from 'node:util';
import type { TokenSource } from 'projected-token';
import { type JsonWebKeySet, TokenIssuer } from 'projected-token/testing';
import { expect } from 'vitest';

/** A cluster with a key of its own. */
export interface TestCluster {
  readonly issuer: string;
  readonly jwks: JsonWebKeySet;
  /** A token of the service account `app` of the namespace `demo`; a negative lifetime gives one that expired. */
  mint(options: { audience: string | string[]; expiresInSeconds?: number }): Promise<string>;
}

export async function createTestCluster(issuer = 'https://oidc.cluster.test'): Promise<TestCluster> {
  const cluster = await TokenIssuer.create({ issuer, algorithm: 'ES256', newKey: true });
  return {
    issuer,
    jwks: cluster.jwks,
    mint({ audience, expiresInSeconds = 3600 }) {
      const expired = expiresInSeconds < 0;
      return cluster.mint({
        audience,
        namespace: 'demo',
        serviceAccount: 'app',
        expiresInSeconds: expired ? 3600 : expiresInSeconds,
        issuedAt: new Date(Date.now() - (expired ? 3600 - expiresInSeconds : 0) * 1000),
      });
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
