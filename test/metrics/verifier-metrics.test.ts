import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { observeWithPrometheus } from 'projected-token/metrics';
import type { VerifierDiagnosticsMessage } from 'projected-token/verify';
import * as client from 'prom-client';
import { beforeEach, describe, expect, it } from 'vitest';
import { verifierCluster } from '../helpers/verifier-cluster.js';

const cluster = verifierCluster();
beforeEach(() => cluster.start());

describe('a verifier as Prometheus metrics', () => {
  it('counts verifications by outcome, and fetches of keys', async () => {
    const verifier = cluster.verifierOf();
    const registry = new client.Registry();
    observeWithPrometheus(verifier, { client, registry });
    const line = (outcome: string, count: number) =>
      `projected_token_verifications_total{audience="billing",outcome="${outcome}"} ${count}\n`;
    expect(await registry.metrics()).toContain(line('ERR_VERIFY_EXPIRED', 0));
    const { token } = await cluster.tokenOf();
    await verifier.verify(token);
    await verifier.verify(token);
    await expect(verifier.verify('no token')).rejects.toThrow();
    await expect(verifier.verify((await cluster.tokenOf({ audiences: ['other'] })).token)).rejects.toThrow();
    const text = await registry.metrics();
    expect(text).toContain(line('accepted', 2));
    expect(text).toContain(line('ERR_VERIFY_MALFORMED', 1));
    expect(text).toContain(line('ERR_VERIFY_AUDIENCE', 1));
    const { issuer } = cluster.server();
    const fetches = `projected_token_key_fetches_total{audience="billing",issuer="${issuer}"`;
    expect(text).toContain(`${fetches},outcome="answered"} 1\n`);
    expect(text).toContain(`${fetches},outcome="failed"} 0\n`);
  });

  it('counts reviews, by whether the API server answers', async () => {
    const verifier = cluster.verifierOf({ method: 'token-review' });
    const { token } = await cluster.tokenOf();
    // Nobody may review yet.
    await expect(verifier.verify(token)).rejects.toThrow();
    cluster.mayReview();
    await verifier.verify(token);
    expect(verifier.figures.issuers).toMatchObject([{ reviews: { answered: 1, failed: 1 } }]);
  });
});

it('publishes what a verifier does on diagnostics channels, without a token', async () => {
  const verifier = cluster.verifierOf();
  const messages: { event: string; message: VerifierDiagnosticsMessage }[] = [];
  const listeners = ['accepted', 'rejected', 'review', 'key-fetch'].map((event) => {
    const name = `projected-token:verifier:${event}`;
    const listener = (message: unknown) =>
      void messages.push({ event, message: message as VerifierDiagnosticsMessage });
    subscribe(name, listener);
    return { name, listener };
  });
  const { token } = await cluster.tokenOf();
  const { token: other } = await cluster.tokenOf({ audiences: ['other'] });
  try {
    await verifier.verify(token);
    await verifier.verify(other).catch(() => {});
  } finally {
    for (const { name, listener } of listeners) unsubscribe(name, listener);
  }
  expect(messages).toMatchObject([
    { event: 'key-fetch', message: { audiences: ['billing'], issuer: cluster.server().issuer } },
    { event: 'accepted', message: { identity: { namespace: 'shop' } } },
    { event: 'rejected', message: { error: { code: 'ERR_VERIFY_AUDIENCE' } } },
  ]);
  const shown = inspect(messages, { depth: 20, showHidden: true });
  for (const secret of [token, other]) expect(shown).not.toContain(secret.split('.')[2]!.slice(0, 12));
});
