// A provider in a process of its own; provider-process.ts tells it what to do and hears what it tells.
import { subscribe } from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';
import { type ProjectedTokenError, ProjectedTokenProvider, type ProviderDiagnosticsMessage } from 'projected-token';
import { limitDescriptors } from './descriptor-limit.js';
import type { Answer, Order, Setting, Told } from './provider-process.js';

const { path, uid, limits = {}, isOutOfDescriptors = false } = JSON.parse(process.argv[2]!) as Setting;
for (const [name, limit] of Object.entries(limits)) setLimit(name, limit);
if (uid !== undefined) {
  process.setgroups!([]);
  process.setgid!(uid);
  process.setuid!(uid);
}

const provider = new ProjectedTokenProvider({ path, pollIntervalMs: 50, expiryMarginSeconds: 0 });
for (const event of ['rotated', 'rejected', 'expired', 'recovered', 'degraded', 'restored']) {
  subscribe(`projected-token:${event}`, (message) => {
    const { error, reason } = message as ProviderDiagnosticsMessage;
    const { code } = (error ?? reason ?? {}) as { code?: string };
    process.send!({ event, ...(code !== undefined && { code }) } satisfies Told);
  });
}

process.on('message', async (order: Order) => process.send!({ answer: await obey(order) }));
process.once('disconnect', () => void provider.close());
if (isOutOfDescriptors) limitDescriptors(process.pid, 0);
await provider.start();
process.send!({ answer: {} });

async function obey(order: Order): Promise<Answer> {
  switch (order.do) {
    case 'get token':
      return provider.getToken().then(
        (token) => ({ token }),
        ({ code, message }: ProjectedTokenError) => ({ code, message }),
      );
    case 'tell':
      return { current: provider.current?.value, status: provider.status };
    case 'set limit':
      setLimit(order.name, order.limit);
      return {};
    case 'block': {
      await new Promise((resolve) => process.send!({ event: 'blocked' } satisfies Told, resolve));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, order.ms);
      return {};
    }
  }
}

/** Limits of the user namespace that this process is in: the parent's are others. */
function setLimit(name: string, limit: number): void {
  writeFileSync(`/proc/sys/user/${name}`, String(limit));
}
