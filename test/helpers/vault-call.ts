/** An answer of a Vault. */
export interface VaultAnswer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: bodies of many shapes
  readonly body: any;
}

/**
 * Sends a request to a Vault, and follows no redirect.
 *
 * @param json - the body; without it the request is a GET
 */
export async function vaultCall(
  vault: { readonly origin: string },
  path: string,
  headers: Record<string, string> = {},
  json?: unknown,
): Promise<VaultAnswer> {
  const method = json === undefined ? 'GET' : 'POST';
  const body = json === undefined ? null : JSON.stringify(json);
  const response = await fetch(`${vault.origin}/v1/${path}`, { method, headers, body, redirect: 'manual' });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

/** The headers of a request with a Vault token. */
export const withVaultToken = (token: string) => ({ 'X-Vault-Token': token });
