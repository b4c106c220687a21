/**
 * A kubelet in a process of its own: rotates the volume when told to, and tells when the rename began, on the monotonic clock that
 * all processes of the machine share.
 */
import { TokenIssuer, TokenVolume } from 'projected-token/testing';

const issuer = await TokenIssuer.create({ algorithm: 'ES256' });
const volume = new TokenVolume({ directory: process.argv[2]! });

process.on('message', async () => {
  const token = await issuer.mint({ audience: 'vault' });
  let swappedAtMs = 0;
  for (const step of volume.steps(token)) {
    // The next step is the rename.
    if (step === 'link-data-tmp') swappedAtMs = Number(process.hrtime.bigint()) / 1e6;
  }
  process.send!({ token, swappedAtMs });
});
process.once('disconnect', () => process.exit());
process.send!({ token: '', swappedAtMs: 0 });
