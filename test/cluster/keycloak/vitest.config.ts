import { defineConfig } from 'vitest/config';
import suite from '../../../vitest.config.js';

/** OAuthTokenProvider against a real Keycloak. */
export default defineConfig({
  ...suite,
  test: { ...suite.test, include: ['test/cluster/keycloak/*.scenario.ts'], fileParallelism: false },
});
