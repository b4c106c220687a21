import type { HttpMethod, RequestContext } from '@kubernetes/client-node';
import type { Hop } from '../carry/carrying-agent.js';

/** The same request from a hop of its redirects on: what the hops before it did must not be done twice. */
export function requestAtHop(request: RequestContext, { url, method, names }: Hop): RequestContext {
  // A redirect may have made a GET of it, and to another host it takes cookies off.
  const isSameMethod = method === request.getHttpMethod();
  const headers = Object.entries(request.getHeaders()).filter(([name]) => names.includes(name.toLowerCase()));
  return Object.assign(Object.create(request), {
    getUrl: () => url,
    getHttpMethod: () => method as HttpMethod,
    getHeaders: () => Object.fromEntries(headers),
    getBody: () => (isSameMethod ? request.getBody() : undefined),
  });
}
