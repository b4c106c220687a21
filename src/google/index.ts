export * from './redact-subject-token.js';
export * from './subject-token-supplier.js';
