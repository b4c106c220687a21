import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits until an API server knows of no authentication any more: it keeps a success for 10 s, and a failure not at all
 * (`--authentication-token-webhook-cache-ttl` is not about it; pkg/kubeapiserver/options/authentication.go, TokenSuccessCacheTTL).
 */
export function reviewCachesEmpty(): Promise<void> {
  return sleep(10_500);
}
