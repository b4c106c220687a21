export * from './subject-token-supplier.js';
