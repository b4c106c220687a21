import type { AccessAttempt } from './kubernetes-status.js';

const VERBS: Readonly<Record<string, string>> = { POST: 'create', PUT: 'update', PATCH: 'patch' };

/**
 * Tells what a request wants to do, from its method and path alone.
 *
 * @see kubernetes/apiserver pkg/endpoints/request/requestinfo.go, NewRequestInfo
 */
export function accessAttemptOf(method: string, path: string): AccessAttempt {
  const [root, ...parts] = path.split('/').filter((part) => part !== '');
  const group = root === 'apis' ? parts.shift() : '';
  const version = parts.shift();
  if ((root !== 'api' && root !== 'apis') || version === undefined || parts.length === 0) {
    return { verb: method.toLowerCase(), path };
  }
  // A namespace is a resource itself, as long as nothing in it is asked for.
  const namespace = parts[0] === 'namespaces' && parts.length > 2 ? parts[1] : undefined;
  if (namespace !== undefined) parts.splice(0, 2);
  const [parent, name, subresource] = parts as [string, string?, string?];
  const isList = name === undefined;
  const verb =
    VERBS[method] ?? (method === 'DELETE' ? (isList ? 'deletecollection' : 'delete') : isList ? 'list' : 'get');
  return {
    verb,
    group: group!,
    resource: subresource === undefined ? parent : `${parent}/${subresource}`,
    parent,
    ...(name !== undefined && { name }),
    ...(namespace !== undefined && { namespace }),
  };
}
