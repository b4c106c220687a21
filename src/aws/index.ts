export * from './from-projected-token.js';
