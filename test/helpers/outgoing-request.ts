import { type Fetch, OutgoingRequest } from '../../src/fetch/outgoing-request.js';

/** Where the requests of these tests go. */
export const URL_A = 'https://a.example/path';

export type FetchInit = Parameters<Fetch>[1];

/** What a fetch was given. */
export interface Sent {
  readonly input: unknown;
  readonly init: Record<string, unknown>;
}

/** A request as `withToken` makes it of the arguments of a call. */
export const outgoing = (input: Parameters<Fetch>[0], init?: FetchInit, keepBody = true): OutgoingRequest =>
  new OutgoingRequest(input, init, keepBody);

/** Sends a request by each of the hops, and gives what the fetch beneath was given. */
export async function sendAll(request: OutgoingRequest, ...hops: Partial<OutgoingRequest['start']>[]): Promise<Sent[]> {
  const sent: Sent[] = [];
  const fetch = async (input: unknown, init: unknown) => {
    sent.push({ input, init: init as Sent['init'] });
    return new Response();
  };
  for (const hop of hops) {
    await request.send(fetch as Fetch, { ...request.start, ...hop }, new Headers({ 'x-token': 'token' }));
  }
  return sent;
}
