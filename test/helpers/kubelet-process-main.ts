// A kubelet that works on a volume in a process of its own; kubelet-process.ts tells it what to do.
import { setTimeout as pause } from 'node:timers/promises';
import { TokenVolume, type TokenVolumeOptions } from 'projected-token/testing';
import type { KubeletOrder } from './kubelet-process.js';

const volume = new TokenVolume(JSON.parse(process.argv[2]!) as TokenVolumeOptions);

process.on('message', async (order: KubeletOrder) => {
  switch (order.do) {
    case 'write':
      for (const [index, token] of order.tokens.entries()) {
        if (index > 0) await pause(order.everyMs);
        volume.write(token);
      }
      break;
    case 'unmount':
      volume.unmount();
      break;
    case 'remount':
      volume.remount(order.token);
      break;
  }
  process.send!('done');
});
process.once('disconnect', () => process.exit());
process.send!('done');
