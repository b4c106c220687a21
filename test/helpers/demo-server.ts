import { EmbeddedApiServer, type EmbeddedApiServerOptions, type TokenRequestSpec } from 'projected-token/testing';
import { expect, onTestFinished, vi } from 'vitest';

/** Who asks the server of {@link startDemoServer}. */
export const DEMO_CALLER = 'system:serviceaccount:demo:caller';

export interface DemoAnswer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: bodies of many shapes
  readonly body: any;
}

export interface DemoServer {
  readonly server: EmbeddedApiServer;
  /** The token of `demo/caller`. */
  readonly caller: string;
  readonly podUid: string;
  /** Sends a request with the token of `demo/caller`, unless another one is given; anonymously with an empty one. */
  call(method: string, path: string, body?: unknown, token?: string): Promise<DemoAnswer>;
  /** Allows `demo/caller` to ask for tokens, and asks for one of `demo/app` or another service account. */
  requestToken(spec: TokenRequestSpec, name?: string): Promise<DemoAnswer>;
  /** Allows `demo/caller` to review tokens, and gives the status of a review. */
  review(token: string, audiences?: string[]): Promise<DemoAnswer['body']>;
}

/**
 * An API server for the test under way, with the service accounts `demo/caller`, who asks, and `demo/app`, and the pod `app-1`.
 * The clock is the real one again before the server closes.
 */
export async function startDemoServer(options: EmbeddedApiServerOptions = {}): Promise<DemoServer> {
  const server = await EmbeddedApiServer.start({ algorithm: 'ES256', ...options });
  onTestFinished(async () => {
    vi.useRealTimers();
    await server.close();
  });
  server.addServiceAccount('demo', 'caller');
  server.addServiceAccount('demo', 'app');
  const pod = server.addPod({ namespace: 'demo', name: 'app-1', serviceAccount: 'app', node: 'worker-1' });
  const caller = (await server.createToken('demo', 'caller')).token;

  const call: DemoServer['call'] = async (method, path, body, token = caller) => {
    const response = await fetch(server.origin + path, {
      method,
      headers: { Authorization: `Bearer ${token}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  return {
    server,
    caller,
    podUid: pod.uid,
    call,
    requestToken: (spec, name = 'app') => {
      server.allow(DEMO_CALLER, 'create', 'serviceaccounts/token', 'demo');
      return call('POST', `/api/v1/namespaces/demo/serviceaccounts/${name}/token`, { spec });
    },
    review: async (token, audiences) => {
      server.allow(DEMO_CALLER, 'create', 'tokenreviews');
      const { status, body } = await call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
        spec: { token, audiences },
      });
      expect(status).toBe(201);
      return body.status;
    },
  };
}
