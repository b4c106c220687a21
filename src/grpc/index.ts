/**
 * Call credentials for gRPC.
 *
 * @module projected-token/grpc
 */
export { tokenCallCredentials } from './token-call-credentials.js';
