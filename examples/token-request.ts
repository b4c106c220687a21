/**
 * A token from the API server, as `oc create token` and `kubectl create token` get it, kept fresh: for programs outside of a
 * cluster, or in a pod that needs another audience than its volumes have.
 *
 * Run: npx tsx examples/token-request.ts
 * Environment: SERVICE_ACCOUNT (namespace/name), TOKEN_AUDIENCE, SERVICE_URL; the cluster as kubectl finds it: KUBECONFIG
 */
import { withToken } from 'projected-token/fetch';
import { TokenRequestProvider } from 'projected-token/kubernetes';

const url = new URL(process.env.SERVICE_URL ?? 'https://service.internal:8443/v1/orders');
const [namespace = '', serviceAccount = ''] = (process.env.SERVICE_ACCOUNT ?? 'shop/build-robot').split('/');

// Needs the verb "create" on "serviceaccounts/token" in that namespace.
const tokens = await TokenRequestProvider.open({
  namespace,
  serviceAccount,
  audiences: [process.env.TOKEN_AUDIENCE ?? 'orders'],
});
tokens.on('rotated', ({ token }) => console.log(`Another token, good until ${token.expiresAt.toISOString()}`));
tokens.on('error', (error) => console.error(error.message));

const serviceFetch = withToken(fetch, tokens, { origins: [url.origin] });

const response = await serviceFetch(url, { method: 'POST', body: JSON.stringify({ item: 'book' }) });
console.log(response.status, await response.text());

await tokens.close();
