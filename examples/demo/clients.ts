import axios from 'axios';
import type { TokenSource } from 'projected-token';
import { withToken as withTokenAxios } from 'projected-token/axios';
import { withToken as withTokenFetch } from 'projected-token/fetch';
import type { NaiveToken } from './naive-token.js';
import type { Send } from './traffic.js';

/** A way to send requests, by the name of the client that does it. */
export interface DemoClients {
  readonly fetch: Send;
  readonly axios: Send;
}

/** Clients that follow the token. */
export function clientsWithToken(source: TokenSource, url: string): DemoClients {
  const { origin } = new URL(url);
  const tokenFetch = withTokenFetch(fetch, source, { origins: [origin] });
  const tokenAxios = withTokenAxios(axios.create({ baseURL: origin, validateStatus: null }), source);
  return {
    fetch: async (signal) => statusOf(await tokenFetch(url, { signal })),
    axios: async (signal) => (await tokenAxios.get(url, { signal })).status,
  };
}

/** Clients that put a token into the header which they read some time ago. */
export function naiveClients(token: NaiveToken, url: string): DemoClients {
  const headers = async () => ({ Authorization: `Bearer ${await token.get()}` });
  const plainAxios = axios.create({ validateStatus: null });
  return {
    fetch: async (signal) => statusOf(await fetch(url, { headers: await headers(), signal })),
    axios: async (signal) => (await plainAxios.get(url, { headers: await headers(), signal })).status,
  };
}

async function statusOf(response: Response): Promise<number> {
  // A body that is not read keeps its connection from being used again.
  await response.arrayBuffer();
  return response.status;
}
