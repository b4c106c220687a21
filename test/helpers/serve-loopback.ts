import { onTestFinished } from 'vitest';
import { type LoopbackRequest, type LoopbackResponse, LoopbackServer } from '../../src/testing/loopback-server.js';

type Answer = (request: LoopbackRequest) => Partial<LoopbackResponse> | Promise<Partial<LoopbackResponse>>;

/** A server in clear text that answers as told, until the test is over; `seen` are the requests that it got. */
export async function serveLoopback(answer: Answer): Promise<{ origin: string; seen: LoopbackRequest[] }> {
  const seen: LoopbackRequest[] = [];
  const server = await LoopbackServer.start(async (request) => {
    seen.push(request);
    return { status: 200, ...(await answer(request)) };
  });
  onTestFinished(() => server.close());
  return { origin: server.origin, seen };
}
