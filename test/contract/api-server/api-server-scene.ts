import { expect } from 'vitest';
import { JsonClient } from '../../helpers/json-client.js';

/** Names of what is in the cluster of {@link ApiServerUnderTest}. */
export const SCENE = {
  /** Service accounts of the namespace `demo`. `caller` may request tokens of all and review tokens; `nobody` may do nothing. */
  serviceAccounts: ['caller', 'nobody', 'app', 'other'],
  /** Pods of `demo`, with their service accounts; on the node `node-x`. */
  pods: { 'app-1': 'app', 'app-2': 'app', 'other-1': 'other' },
  secret: 's',
  node: 'node-x',
  /** `--service-account-max-token-expiration` */
  maxExpirationSeconds: 36_000,
} as const;

/** A server that speaks Kubernetes' API: kube-apiserver, or the stand-in for it. It holds what {@link SCENE} says. */
export interface ApiServerUnderTest {
  readonly origin: string;
  readonly ca: string | undefined;
  readonly issuer: string;
  readonly uids: Readonly<Record<'app-1' | 's' | 'node-x', string>>;
  /** A token for the API server. */
  tokenOf(serviceAccount: 'caller' | 'nobody'): Promise<string>;
  /** Deletes objects, at once, and waits until nothing of them is in a cache any more. */
  delete(...objects: [kind: 'pods' | 'secrets' | 'serviceaccounts', name: string][]): Promise<void>;
  close(): Promise<void>;
}

export const TOKEN = '/api/v1/namespaces/demo/serviceaccounts/app/token';
export const REVIEWS = '/apis/authentication.k8s.io/v1/tokenreviews';
export const APP_1 = { kind: 'Pod', apiVersion: 'v1', name: 'app-1' };

/** A server under test, and who asks it. */
export class ApiServerScene {
  server!: ApiServerUnderTest;
  caller!: JsonClient;
  nobody!: JsonClient;
  /** Sends no token. */
  anybody!: JsonClient;

  async open(start: () => Promise<ApiServerUnderTest>): Promise<void> {
    this.server = await start();
    this.caller = this.clientOf(await this.server.tokenOf('caller'));
    this.nobody = this.clientOf(await this.server.tokenOf('nobody'));
    this.anybody = new JsonClient(this.server.origin, this.server.ca);
  }

  clientOf(token: string): JsonClient {
    return new JsonClient(this.server.origin, this.server.ca, { authorization: `Bearer ${token}` });
  }

  requestToken(spec: object, path = TOKEN) {
    return this.caller.send('POST', path, { spec });
  }

  async review(token: string, audiences?: readonly string[]) {
    const { status, body } = await this.caller.send('POST', REVIEWS, { spec: { token, audiences } });
    expect(status).toBe(201);
    return body.status;
  }
}

/** The answer of an API server that rejects a request. */
export function failure(code: number, reason: string, message: unknown, details?: object) {
  return {
    status: code,
    body: {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason,
      ...(details && { details }),
      code,
    },
  };
}
