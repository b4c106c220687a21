import type { LoopbackResponse } from '../loopback-server.js';
import { jsonResponse } from './api-server-response.js';
import type { ClusterObjects } from './cluster-objects.js';
import { decodeObject } from './decode-object.js';
import { badRequest, invalidField } from './kubernetes-status.js';
import { AuthenticationFailure, type ServiceAccountTokens, type TokenRequestSpec } from './service-account-tokens.js';

const TOKEN_REQUEST_TYPES = { audiences: '[]string', expirationSeconds: 'int64' } as const;
const TOKEN_REVIEW_TYPES = { token: 'string', audiences: '[]string' } as const;

/** POST …/serviceaccounts/NAME/token */
export async function requestToken(
  tokens: ServiceAccountTokens,
  namespace: string,
  name: string,
  body: string,
): Promise<LoopbackResponse> {
  const { spec = {}, metadata } = decodeObject<{ spec?: TokenRequestSpec; metadata?: { name?: string } }>(
    'TokenRequest',
    body,
    TOKEN_REQUEST_TYPES,
  );
  if (metadata?.name && metadata.name !== name) {
    const why = 'must match the service account name if specified';
    throw invalidField('authentication.k8s.io', 'TokenRequest', 'metadata.name', metadata.name, why, name);
  }
  const { token, expirationTimestamp, audiences, expirationSeconds, warning } = await tokens.create(
    namespace,
    name,
    spec,
  );
  const tokenRequest = {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: {
      name,
      namespace,
      uid: tokens.objects.serviceAccount(namespace, name)!.uid,
      creationTimestamp: new Date().toISOString().replace(/\.\d+/, ''),
    },
    spec: { audiences, expirationSeconds, boundObjectRef: spec.boundObjectRef ?? null },
    status: { token, expirationTimestamp },
  };
  // RFC 7234 section 5.5, as kubernetes/apiserver pkg/warning writes it.
  return jsonResponse(201, tokenRequest, warning === undefined ? {} : { Warning: `299 - ${JSON.stringify(warning)}` });
}

/** POST …/tokenreviews, as pkg/registry/authentication/tokenreview/storage.go: `authenticated` is left out when it is false. */
export async function reviewToken(tokens: ServiceAccountTokens, body: string): Promise<unknown> {
  const { spec = {} } = decodeObject<{ spec?: { token?: string; audiences?: readonly string[] } }>(
    'TokenReview',
    body,
    TOKEN_REVIEW_TYPES,
  );
  if (!spec.token) throw badRequest('token is required for TokenReview in authentication');
  const review = { kind: 'TokenReview', apiVersion: 'authentication.k8s.io/v1', metadata: {}, spec };
  try {
    const asked = spec.audiences?.length ? spec.audiences : tokens.apiAudiences;
    const { user, audiences } = await tokens.authenticate(spec.token, asked);
    return { ...review, status: { authenticated: true, user, audiences } };
  } catch (error) {
    if (!(error instanceof AuthenticationFailure)) throw error;
    const text = error.message === '' ? 'invalid bearer token' : `[invalid bearer token, ${error.message}]`;
    return { ...review, status: { user: {}, error: text } };
  }
}

/** GET …/pods */
export function listPods(objects: ClusterObjects, namespace: string): LoopbackResponse {
  const items = objects.podsOf(namespace).map(({ name, uid, serviceAccount, node, deletionTimestamp }) => ({
    metadata: { name, namespace, uid, ...(deletionTimestamp && { deletionTimestamp }) },
    spec: { serviceAccountName: serviceAccount, containers: [], ...(node && { nodeName: node.name }) },
  }));
  return jsonResponse(200, { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '1' }, items });
}
