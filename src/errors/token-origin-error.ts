import { ProjectedTokenError } from './projected-token-error.js';

/** A request cannot carry the token safely: no origin is allowed, or only one that would send it in clear text. */
export class TokenOriginError extends ProjectedTokenError {
  readonly code = 'ERR_TOKEN_ORIGIN';
}
