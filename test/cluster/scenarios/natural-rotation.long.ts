import { statSync } from 'node:fs';
import { join } from 'node:path';
import { ProjectedTokenProvider } from 'projected-token';
import { expect, it } from 'vitest';
import { nextEvent, recordEvents } from '../../helpers/provider-events.js';
import { startCluster } from '../harness/cluster.js';
import { podWith, tokenSource } from '../harness/manifests.js';
import { RequestLoad } from '../harness/request-load.js';
import { startStrictService } from '../harness/strict-service.js';

/** The shortest that Kubernetes has, and with it a kubelet replaces the token after 80 % (pkg/kubelet/token, requiresRefresh). */
const EXPIRATION_SECONDS = 600;

it('A token of 600 s is rotated by the kubelet by itself, under load, and no request fails', {
  timeout: 720_000,
}, async () => {
  await using cluster = await startCluster();
  const pod = await cluster.createPod(podWith('patient', [tokenSource('token', 'orders', EXPIRATION_SECONDS)]));
  const file = join(pod.volume('tokens'), 'token');
  await using provider = await ProjectedTokenProvider.open({ path: file, audience: 'orders' });
  const told = recordEvents(provider);
  await using service = await startStrictService(file);
  const load = new RequestLoad(service.url, provider, { pauseMs: 100 });
  const { current, previous } = await nextEvent(provider, 'rotated');
  const sinceWrittenMs = Date.now() - statSync(file).mtimeMs;
  await load.through(100);
  await load.stop();
  const ageSeconds = (current.issuedAt!.getTime() - previous.issuedAt!.getTime()) / 1000;
  const leftSeconds = Math.round((previous.expiresAt!.getTime() - Date.now()) / 1000);
  console.log(
    `${load.summary('a natural rotation')}; after ${ageSeconds} s, "rotated" ${Math.round(sinceWrittenMs)} ms after the file was written, ${leftSeconds} s of the old token left`,
  );
  expect(load.failures).toEqual([]);
  expect(ageSeconds).toBeGreaterThanOrEqual(0.8 * EXPIRATION_SECONDS - 1);
  expect(leftSeconds).toBeGreaterThan(0);
  expect(sinceWrittenMs).toBeLessThan(5000);
  expect(told.filter((name) => name !== 'rotated')).toEqual([]);
});
