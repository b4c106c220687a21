import { type MintOptions, mintToken } from 'projected-token/testing';
import { expect } from 'vitest';

const WINDOW = 8;

const secrets = new Set<string>();

/** Remembers a content of which {@link expectNoSecret} must find no part. */
export function secret(content: string): string {
  secrets.add(content);
  return content;
}

/** A token to be kept secret. */
export async function secretToken(options?: MintOptions): Promise<string> {
  return secret(await mintToken(options));
}

/** Fails when any 8 characters in a row of any secret are in the output. */
export function expectNoSecret(output: string): void {
  for (const content of secrets) {
    for (let start = 0; start + WINDOW <= content.length; start++) {
      const part = content.slice(start, start + WINDOW);
      if (output.includes(part)) expect.fail(`"${part}" of a secret is in the output:\n${output}`);
    }
  }
}
