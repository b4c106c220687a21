import { badRequest } from './kubernetes-status.js';

/** What a field has to be in JSON, in the words of Go. */
type GoType = 'int64' | 'string' | '[]string';

const IS_OF: Readonly<Record<GoType, (value: unknown) => boolean>> = {
  int64: Number.isInteger,
  string: (value) => typeof value === 'string',
  '[]string': (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
};

/**
 * Reads the body of a request as Go decodes JSON into a struct.
 *
 * @param kind - of the object, such as `TokenRequest`
 * @typeParam T - what the object is then
 * @param specTypes - types of the fields of `spec`
 * @throws {KubernetesStatusError} 400 for a body that is no JSON object, or has a field of another type
 */
export function decodeObject<T extends { readonly spec?: object }>(
  kind: string,
  body: string,
  specTypes: Readonly<Record<string, GoType>>,
): T {
  const object = parse(body);
  if (object === undefined) {
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error: unexpected end of JSON input (${body.slice(0, 40) || '<empty>'})`,
    );
  }
  const { spec } = object as { spec?: Record<string, unknown> };
  for (const [field, type] of Object.entries(specTypes)) {
    const value = spec?.[field] ?? undefined;
    if (value !== undefined && !IS_OF[type](value)) {
      throw badRequest(
        `${kind} in version "v1" cannot be handled as a ${kind}: json: cannot unmarshal ${goValue(value)} into Go struct field ${kind}Spec.spec.${field} of type ${type}`,
      );
    }
  }
  return object as T;
}

function parse(body: string): object | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

// encoding/json, UnmarshalTypeError: a number is shown, of anything else only the type.
function goValue(value: unknown): string {
  if (typeof value === 'number') return `number ${value}`;
  if (typeof value === 'boolean') return 'bool';
  return Array.isArray(value) ? 'array' : typeof value;
}
