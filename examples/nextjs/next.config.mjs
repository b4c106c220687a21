/** @type {import('next').NextConfig} */
export default {
  // Loaded by Node as it is, not bundled: one copy for all routes.
  serverExternalPackages: ['projected-token'],
  // The folder of this file, whatever lockfiles there are above it.
  turbopack: { root: import.meta.dirname },
};
