/**
 * A credential and a client assertion for `@azure/identity`: workload identity federation of Microsoft Entra ID.
 *
 * @module projected-token/azure
 */
export type { ExpectedAudience } from '../token/expect-audience.js';
export * from './client-assertion.js';
export * from './from-projected-token.js';
