/** The object that an API server answers an error with (kubernetes/apimachinery pkg/apis/meta/v1, `Status`). */
export interface KubernetesStatus {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: Record<string, never>;
  readonly status: 'Failure';
  readonly message: string;
  readonly reason: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly code: number;
}

/** An answer that is an error; thrown by the parts of the stand-in, sent by its server. */
export class KubernetesStatusError extends Error {
  readonly status: KubernetesStatus;

  constructor(code: number, reason: string, message: string, details?: Readonly<Record<string, unknown>>) {
    super(message);
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason,
      ...(details && { details }),
      code,
    };
  }
}

// Each as its namesake in kubernetes/apimachinery pkg/api/errors/errors.go.

/** @returns 400 */
export function badRequest(message: string): KubernetesStatusError {
  return new KubernetesStatusError(400, 'BadRequest', message);
}

/** @returns 401 */
export function unauthorized(): KubernetesStatusError {
  return new KubernetesStatusError(401, 'Unauthorized', 'Unauthorized');
}

/** @returns 404 */
export function notFound(kind: string, name: string): KubernetesStatusError {
  return new KubernetesStatusError(404, 'NotFound', `${kind} ${quote(name)} not found`, { name, kind });
}

/** @returns 404, for a path under /api or /apis that no resource has */
export function unknownResource(): KubernetesStatusError {
  return new KubernetesStatusError(404, 'NotFound', 'the server could not find the requested resource', {});
}

/** @returns 405 */
export function methodNotAllowed(): KubernetesStatusError {
  const message = 'the server does not allow this method on the requested resource';
  return new KubernetesStatusError(405, 'MethodNotAllowed', message, {});
}

/** @returns 409 */
export function conflict(kind: string, name: string, why: string): KubernetesStatusError {
  const message = `Operation cannot be fulfilled on ${kind} ${quote(name)}: ${why}`;
  return new KubernetesStatusError(409, 'Conflict', message, { name, kind });
}

/** @returns 422 */
export function invalidField(
  group: string,
  kind: string,
  field: string,
  value: unknown,
  why: string,
  name = '',
): KubernetesStatusError {
  const message = `Invalid value: ${JSON.stringify(value)}: ${why}`;
  return new KubernetesStatusError(422, 'Invalid', `${kind}.${group} ${quote(name)} is invalid: ${field}: ${message}`, {
    ...(name !== '' && { name }),
    group,
    kind,
    causes: [{ reason: 'FieldValueInvalid', message, field }],
  });
}

/** What somebody wanted to do, as the authorizer sees it. */
export type AccessAttempt =
  | { readonly verb: string; readonly path: string }
  | {
      readonly verb: string;
      readonly group: string;
      readonly resource: string;
      /** The resource in whose name the error is, when `resource` is a subresource of it. */
      readonly parent?: string;
      readonly name?: string;
      readonly namespace?: string;
    };

/**
 * The texts are those of `ForbiddenMessage` and `Forbidden` in kubernetes/apiserver pkg/endpoints/handlers/responsewriters.
 *
 * @returns 403
 */
export function forbidden(user: string, attempt: AccessAttempt): KubernetesStatusError {
  if ('path' in attempt) {
    const message = `forbidden: User ${quote(user)} cannot ${attempt.verb} path ${quote(attempt.path)}`;
    return new KubernetesStatusError(403, 'Forbidden', message, {});
  }
  const { verb, group, resource, parent = resource, name, namespace } = attempt;
  const where = namespace === undefined ? 'at the cluster scope' : `in the namespace ${quote(namespace)}`;
  const qualified = group === '' ? parent : `${parent}.${group}`;
  const subject = name === undefined ? qualified : `${qualified} ${quote(name)}`;
  return new KubernetesStatusError(
    403,
    'Forbidden',
    `${subject} is forbidden: User ${quote(user)} cannot ${verb} resource ${quote(resource)} in API group ${quote(group)} ${where}`,
    { ...(name !== undefined && { name }), ...(group !== '' && { group }), kind: parent },
  );
}

// Go's %q agrees with JSON for what names in Kubernetes are made of.
function quote(text: string): string {
  return JSON.stringify(text);
}
