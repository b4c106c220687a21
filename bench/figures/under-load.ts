import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fromTokenFile } from '@aws-sdk/credential-provider-web-identity';
import { WorkloadIdentityCredential } from '@azure/identity';
import { ProjectedTokenProvider } from 'projected-token';
import { withToken } from 'projected-token/fetch';
import { mintToken, TokenVolume } from 'projected-token/testing';
import type { FigureGroup } from '../figure.js';

const ROTATIONS = 50;
const ROTATE_EVERY_MS = 100;
const CONCURRENCY = 8;

const require = createRequire(import.meta.url);

/** Sends one request with a token, in its own way of reading it; resolves with the status. */
type Send = (url: string) => Promise<number>;

/** Requests that a rotation makes fail: the service refuses the old token from the instant of the swap. */
export async function measure(): Promise<FigureGroup> {
  const figures = [];
  for (const [name, open] of Object.entries(ways)) {
    const { requests, failed } = await play(open);
    const isOurs = name.startsWith('projected-token');
    figures.push({
      name: `${name} (of ${requests.toLocaleString('en')})`,
      value: failed,
      unit: 'failed',
      ...(isOurs && { aim: { text: '0', isMet: failed === 0 } }),
    });
  }
  return {
    title: 'Requests that fail because of a rotation',
    method: `${ROTATIONS} rotations, ${ROTATE_EVERY_MS} ms apart, ${CONCURRENCY} requests under way at any time; each way in a run of its own, on the same machine.`,
    figures,
  };
}

const ways: Record<string, (path: string) => Promise<{ send: Send; close?: () => Promise<void> }>> = {
  'projected-token/fetch': async (path) => {
    const provider = await ProjectedTokenProvider.open({ path });
    return {
      send: async (url) => statusOf(await withToken(fetch, provider, { origins: [new URL(url).origin] })(url)),
      close: () => provider.close(),
    };
  },
  "the file read at each request, as google-auth-library's supplier does": async (path) => {
    const google = dirname(require.resolve('google-auth-library'));
    const { FileSubjectTokenSupplier } = require(join(google, 'auth', 'filesubjecttokensupplier.js'));
    const supplier = new FileSubjectTokenSupplier({ filePath: path, formatType: 'text' });
    return { send: bearer(() => supplier.getSubjectToken()) };
  },
  "the file read at each request, as @aws-sdk's fromTokenFile does": async (path) => {
    let token = '';
    const read = fromTokenFile({
      webIdentityTokenFile: path,
      roleArn: 'arn:aws:iam::123456789012:role/app',
      roleAssumerWithWebIdentity: async ({ WebIdentityToken }) => {
        token = WebIdentityToken!;
        return { accessKeyId: 'a', secretAccessKey: 'b' };
      },
    });
    return {
      send: bearer(async () => {
        await read();
        return token;
      }),
    };
  },
  'a cache of 60 s, as of @kubernetes/client-node': async (path) => {
    const clientNode = dirname(require.resolve('@kubernetes/client-node'));
    const { FileAuth } = await import(join(clientNode, 'file_auth.js'));
    const fileAuth = new FileAuth();
    const user = { authProvider: { config: { tokenFile: path } } };
    return {
      send: bearer(async () => {
        const options = { headers: {} as { Authorization?: string } };
        await fileAuth.applyAuthentication(user, options);
        return options.headers.Authorization!.replace('Bearer ', '');
      }),
    };
  },
  'a cache of 5 min, as of @azure/identity': async (path) => {
    const azure = new WorkloadIdentityCredential({ tenantId: 'tenant', clientId: 'client', tokenFilePath: path });
    const read = (azure as unknown as { readFileContents(): Promise<string> }).readFileContents.bind(azure);
    return { send: bearer(read) };
  },
};

function bearer(read: () => Promise<string>): Send {
  return async (url) => statusOf(await fetch(url, { headers: { Authorization: `Bearer ${await read()}` } }));
}

async function statusOf(response: Response): Promise<number> {
  await response.arrayBuffer();
  return response.status;
}

async function play(open: (typeof ways)[string]): Promise<{ requests: number; failed: number }> {
  using volume = TokenVolume.temporary(tmpdir());
  const tokens: string[] = [];
  for (let index = 0; index <= ROTATIONS; index++) tokens.push(await mintToken({ audience: 'vault' }));
  volume.write(tokens[0]!);
  const server = await startServer(() => volume.content!);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const { send, close } = await open(volume.path);
  let [requests, failed, isOver] = [0, 0, false];
  const workers = Array.from({ length: CONCURRENCY }, async () => {
    while (!isOver) {
      const status = await send(url).catch(() => 0);
      requests++;
      if (status !== 200) failed++;
      await pause(1);
    }
  });
  for (const token of tokens.slice(1)) {
    await pause(ROTATE_EVERY_MS);
    volume.write(token);
  }
  await pause(ROTATE_EVERY_MS);
  isOver = true;
  await Promise.all(workers);
  await close?.();
  server.close().closeAllConnections();
  return { requests, failed };
}

/** Takes no token but the one in the volume at the moment of its answer. */
async function startServer(accepted: () => string): Promise<Server> {
  const server = createServer((request, response) => {
    // The work of an answer: a token is not looked at in the turn in which the request arrives.
    setImmediate(() => {
      response.writeHead(request.headers.authorization === `Bearer ${accepted()}` ? 200 : 401).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
