/**
 * Every failure has one class and one stable `code`; a `switch` over `code` narrows to it. No message, field or cause
 * of these errors holds bytes of a token.
 */

export type * from './errors/cause-option.js';
export type * from './errors/codes.js';
export * from './errors/invalid-option-error.js';
export * from './errors/listener-error.js';
export * from './errors/projected-token-error.js';
export * from './errors/token-aborted-error.js';
export * from './errors/token-claim-error.js';
export * from './errors/token-exchange-error.js';
export * from './errors/token-expired-error.js';
export * from './errors/token-file-error.js';
export * from './errors/token-origin-error.js';
export * from './errors/token-signature-error.js';
export * from './errors/token-source-closed-error.js';
