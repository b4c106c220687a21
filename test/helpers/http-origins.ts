import type { TokenCarrier } from 'projected-token';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { HttpOrigin } from './http-origin.js';
import { FixedTokenSource } from './http-token-source.js';

/** A server whose origin is to be listed, one whose is not, and a source of tokens that is new for each test. */
export interface HttpOrigins {
  listed: HttpOrigin;
  unlisted: HttpOrigin;
  source: FixedTokenSource;
}

/** Starts them for the tests of a file, and has them forget what they were sent after each. */
export function useHttpOrigins(carrier?: TokenCarrier): HttpOrigins {
  const origins = {} as HttpOrigins;
  beforeAll(async () => {
    [origins.listed, origins.unlisted] = await Promise.all([HttpOrigin.start(), HttpOrigin.start()]);
  });
  beforeEach(() => {
    origins.source = new FixedTokenSource(carrier);
  });
  afterEach(() => {
    origins.listed.reset();
    origins.unlisted.reset();
  });
  afterAll(() => Promise.all([origins.listed.close(), origins.unlisted.close()]));
  return origins;
}
