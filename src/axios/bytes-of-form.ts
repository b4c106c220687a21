import type { RequestConfig } from './request-config.js';

/** What the package form-data makes, and with it `postForm` of axios: a stream, even of parts that all lie in memory. */
interface FormStream {
  getBuffer(): Buffer;
  getHeaders(): Record<string, string>;
}

/** The same request with the bytes of such a form as its body, which can be sent again; as it is when the form holds a stream. */
export function bytesOfForm(config: RequestConfig): RequestConfig {
  const form: unknown = config.data;
  if (!isFormStream(form)) return config;
  try {
    const data = form.getBuffer();
    return { ...config, data, headers: config.headers.concat(form.getHeaders()) };
  } catch {
    return config;
  }
}

function isFormStream(data: unknown): data is FormStream {
  if (typeof data !== 'object' || data === null) return false;
  return ['getBuffer', 'getHeaders'].every((name) => typeof Reflect.get(data, name) === 'function');
}
