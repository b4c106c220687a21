import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { mintToken, TokenVolume } from 'projected-token/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { REPOSITORY } from '../helpers/built-package.js';

const run = promisify(execFile);

let volume: TokenVolume;
let server: Server;
let url: string;

beforeAll(async () => {
  volume = TokenVolume.temporary(tmpdir());
  volume.write(await mintToken({ audience: 'orders' }));
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const isGood = request.headers.authorization === `Bearer ${volume.content}`;
    response.writeHead(isGood ? 201 : 401, { 'Content-Type': 'application/json' }).end(`{"received":${body}}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/orders`;
});

afterAll(() => {
  server.close().closeAllConnections();
  volume.unmount();
});

it.each(['fetch', 'axios', 'got', 'ky', 'undici'])('the example of %s posts an order with the token', async (name) => {
  const env = { PATH: process.env.PATH, TOKEN_PATH: volume.path, TOKEN_AUDIENCE: 'orders', SERVICE_URL: url };
  const example = ['--import', 'tsx', `examples/${name}.ts`];
  const { stdout, stderr } = await run(process.execPath, example, { cwd: REPOSITORY, env });
  expect(stdout).toBe('201 {"received":{"item":"book"}}\n');
  expect(stderr).toBe('');
});
