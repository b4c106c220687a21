/** How deep a value is described; what programs look at lies above. */
const MAX_DEPTH = 6;

/** What clients attach to their errors; a subject tells of it what matters. */
const LARGE = ['config', 'request', 'response', 'options', 'timings', 'data', 'parent'];

/** A value as a program sees it, in plain data that can be compared: classes, own properties in their order, causes of errors. */
export function describe(value: unknown, depth = 0): unknown {
  if (value === undefined) return '(undefined)';
  if (typeof value === 'symbol' || typeof value === 'bigint') return `(${String(value)})`;
  if (typeof value === 'function') return `(function ${value.name} of ${value.length})`;
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) return '(deep)';
  if (value instanceof Error) return describeError(value, depth);
  if (ArrayBuffer.isView(value)) return `(${nameOf(value)}) ${textOf(value)}`;
  if (value instanceof ArrayBuffer) return `(ArrayBuffer) ${textOf(new Uint8Array(value))}`;
  if (Array.isArray(value)) return value.map((item) => describe(item, depth + 1));
  // On Node 20 its state shows which microtask it is.
  if (value instanceof ReadableStream) return { of: nameOf(value), locked: value.locked };
  if (value instanceof URL) return `(URL) ${value.href}`;
  if (value instanceof Map || isHeaders(value))
    return { of: nameOf(value), entries: [...value].map((e) => describe(e, depth + 1)) };
  return { of: nameOf(value), ...ownProperties(value, depth) };
}

function describeError(error: Error, depth: number): unknown {
  const { name, message, cause } = error;
  return {
    of: nameOf(error),
    name,
    message,
    code: describe(Reflect.get(error, 'code'), depth + 1),
    ...ownProperties(error, depth, LARGE),
    ...(cause === undefined ? {} : { cause: describe(cause, depth + 1) }),
    ...(error instanceof AggregateError ? { errors: describe(error.errors, depth + 1) } : {}),
  };
}

/** Own enumerable properties; an accessor is named, not asked. */
function ownProperties(value: object, depth: number, large: readonly string[] = []): Record<string, unknown> {
  const described: Record<string, unknown> = {};
  for (const key of Reflect.ownKeys(value)) {
    const property = Object.getOwnPropertyDescriptor(value, key)!;
    // The system chooses the ports of clients, and of what runs for one run only.
    if (!property.enumerable || key === 'localPort' || key === 'remotePort') continue;
    const isLarge = large.includes(String(key)) && typeof property.value === 'object' && property.value !== null;
    if (isLarge) described[String(key)] = `(${nameOf(property.value)})`;
    else described[String(key)] = 'value' in property ? describe(property.value, depth + 1) : '(accessor)';
  }
  return described;
}

function nameOf(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null ? 'null' : String(value.constructor?.name);
}

function textOf({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
}

function isHeaders(value: object): value is Headers {
  return Object.prototype.toString.call(value) === '[object Headers]';
}
