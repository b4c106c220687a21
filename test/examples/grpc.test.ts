import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Server, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import { mintToken, TokenVolume } from 'projected-token/testing';
import { expect, it, onTestFinished } from 'vitest';
import { createLoopbackCertificate } from '../../src/testing/loopback-certificate.js';
import { REPOSITORY } from '../helpers/built-package.js';
import { bytesMethod, listenSecurely } from '../helpers/grpc-server.js';

it('the example of grpc creates an order with the token, on a server that it trusts by a file', async () => {
  const certificate = createLoopbackCertificate();
  const volume = TokenVolume.temporary(tmpdir(), { files: { 'ca.crt': certificate.cert } });
  volume.write(await mintToken({ audience: 'orders' }));
  const server = new Server();
  onTestFinished(() => {
    server.forceShutdown();
    volume.unmount();
  });
  server.addService(
    { create: bytesMethod('/shop.Orders/Create') },
    {
      create({ metadata, request }: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) {
        if (metadata.get('authorization')[0] !== `Bearer ${volume.content}`) answer({ code: status.UNAUTHENTICATED });
        else answer(null, Buffer.from(`{"received":${request}}`));
      },
    },
  );
  const address = await listenSecurely(server, certificate);

  const env = {
    PATH: process.env.PATH,
    TOKEN_PATH: volume.path,
    TOKEN_AUDIENCE: 'orders',
    SERVICE_URL: `https://${address}`,
    CA_FILE: join(volume.directory, 'ca.crt'),
  };
  const example = ['--import', 'tsx', 'examples/grpc.ts'];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, example, { cwd: REPOSITORY, env });
  expect(stdout).toBe('{"received":{"item":"book"}}\n');
  expect(stderr).toBe('');
});
