import type { TokenCarrier, TokenSource } from 'projected-token';
import { vi } from 'vitest';
import { TokenCarriage, type WithTokenOptions } from '../../src/carry/token-carriage.js';

export const HERE = new URL('https://vault.internal:8200/v1/secret');
export const NEXT_DOOR = new URL('https://standby.internal:8200/v1/secret');
export const ELSEWHERE = new URL('https://evil.example/');
export const ORIGINS = [HERE.origin, NEXT_DOOR.origin];

/** A source that has `first`, and after a refusal what `replacement` says. */
export function sourceOf(carrier?: TokenCarrier) {
  return {
    getToken: vi.fn<TokenSource['getToken']>(async () => 'first'),
    replaceToken: vi.fn<TokenSource['replaceToken']>(async () => 'second'),
    ...(carrier !== undefined && { carrier }),
  };
}

export const carriageOf = (source: TokenSource, options: WithTokenOptions = {}) =>
  new TokenCarriage(source, { origins: ORIGINS, ...options });
