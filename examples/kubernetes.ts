/**
 * The Kubernetes API with a token that follows every rotation, through the official client.
 *
 * Run: npx tsx examples/kubernetes.ts
 * Environment: TOKEN_PATH (default /var/run/secrets/tokens), NAMESPACE (default: the context's); the cluster as kubectl finds it: KUBECONFIG
 */
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { ProjectedTokenProvider } from 'projected-token';
import { withToken } from 'projected-token/kubernetes';

// A token whose audience is the API server's.
const provider = await ProjectedTokenProvider.open({ path: process.env.TOKEN_PATH });

const kubeConfig = new KubeConfig();
kubeConfig.loadFromDefault();
const namespace = process.env.NAMESPACE ?? kubeConfig.getContextObject(kubeConfig.getCurrentContext())?.namespace;

// Watches, informers and logs take the same configuration: new Watch(withToken(kubeConfig, provider)), …
const api = withToken(kubeConfig, provider).makeApiClient(CoreV1Api);

const { items } = await api.listNamespacedPod({ namespace: namespace ?? 'default' });
for (const { metadata } of items) console.log(metadata?.name);

await provider.close();
