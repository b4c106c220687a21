export * from './client-assertion.js';
