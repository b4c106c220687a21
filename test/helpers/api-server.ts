import { KubeConfig, type User } from '@kubernetes/client-node';
import { EmbeddedApiServer, type EmbeddedApiServerOptions } from 'projected-token/testing';

/** Who asks for tokens. */
export const CALLER = 'system:serviceaccount:ci:robot';

/**
 * An API server over TLS with the service accounts `ci/robot`, who may ask for tokens of `shop`, and `shop/app`, whose pod
 * is `app-1`.
 */
export async function startApiServer(options: EmbeddedApiServerOptions = {}): Promise<EmbeddedApiServer> {
  const server = await EmbeddedApiServer.start({ tls: true, algorithm: 'ES256', ...options });
  server.addServiceAccount('ci', 'robot');
  server.addServiceAccount('shop', 'app');
  server.addPod({ namespace: 'shop', name: 'app-1', serviceAccount: 'app' });
  server.allow(CALLER, 'create', 'serviceaccounts/token', 'shop');
  return server;
}

/** A token of `ci/robot` that outlives every test. */
export async function callerToken(server: EmbeddedApiServer): Promise<string> {
  return (await server.createToken('ci', 'robot', { expirationSeconds: 2 ** 32 })).token;
}

/** What `~/.kube/config` is for somebody with these credentials; trusts the server's CA. */
export function kubeConfigOf(
  server: { origin: string; ca?: string | undefined },
  user: Omit<User, 'name'>,
): KubeConfig {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromClusterAndUser(
    { name: 'test', server: server.origin, caData: base64(server.ca), skipTLSVerify: false },
    { name: 'somebody', ...user },
  );
  return kubeConfig;
}

/** PEM as a kubeconfig holds it. */
export function base64(pem: string | undefined): string | undefined {
  return pem && Buffer.from(pem).toString('base64');
}

/** What the server was asked, as `METHOD path status`. */
export function asked(server: EmbeddedApiServer): string[] {
  return server.requests.map(({ method, path, status }) => `${method} ${path} ${status}`);
}
