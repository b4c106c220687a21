import { afterAll, beforeAll, describe } from 'vitest';
import { ApiServerScene, type ApiServerUnderTest } from './api-server/api-server-scene.js';
import { describeAccess } from './api-server/describe-access.js';
import { describeTokenRequest } from './api-server/describe-token-request.js';
import { describeTokenReview } from './api-server/describe-token-review.js';

/** What an API server answers, as far as this library and its users' tests depend on it. */
export function describeApiServer(name: string, start: () => Promise<ApiServerUnderTest>): void {
  describe(name, () => {
    const scene = new ApiServerScene();
    beforeAll(() => scene.open(start), 180_000);
    afterAll(() => scene.server?.close());

    describeTokenRequest(scene);
    describeTokenReview(scene);
    describeAccess(scene);
  });
}
