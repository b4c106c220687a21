import { ProjectedTokenError } from './projected-token-error.js';

/** The signature was to be verified (option `verify`) and could not be. */
export class TokenSignatureError extends ProjectedTokenError {
  readonly code = 'ERR_TOKEN_SIGNATURE';
}
