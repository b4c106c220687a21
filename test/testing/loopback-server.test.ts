import { once } from 'node:events';
import { get } from 'node:https';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createLoopbackCertificate } from '../../src/testing/loopback-certificate.js';
import { type LoopbackRequest, type LoopbackResponse, LoopbackServer } from '../../src/testing/loopback-server.js';

let server: LoopbackServer;

afterEach(() => server.close());

async function start(answer: LoopbackResponse | Error): Promise<LoopbackRequest[]> {
  const requests: LoopbackRequest[] = [];
  server = await LoopbackServer.start(async (request) => {
    requests.push(request);
    if (answer instanceof Error) throw answer;
    return answer;
  });
  return requests;
}

describe('a loopback server', () => {
  it('hands the whole request on, and answers what it is told to', async () => {
    const requests = await start({ status: 201, headers: { 'content-type': 'text/plain' }, body: 'made' });
    const response = await fetch(`${server.origin}/path?query=1`, {
      method: 'POST',
      headers: { 'x-more': 'yes' },
      body: 'ünïcode '.repeat(100_000),
    });
    expect(response.status).toBe(201);
    expect(response.headers.get('content-type')).toBe('text/plain');
    expect(await response.text()).toBe('made');
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({ method: 'POST', headers: { 'x-more': 'yes' } });
    expect(requests[0]?.url.pathname).toBe('/path');
    expect(requests[0]?.url.searchParams.get('query')).toBe('1');
    expect(requests[0]?.body).toBe('ünïcode '.repeat(100_000));
  });

  it('answers 500 when its handler fails', async () => {
    await start(new Error('a fault of the stand-in'));
    expect((await fetch(server.origin)).status).toBe(500);
  });

  it('listens on the port that is asked for, and says when it cannot', async () => {
    await start({ status: 204 });
    const port = Number(new URL(server.origin).port);
    const again = LoopbackServer.start(async () => ({ status: 204 }), undefined, port);
    await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('once closed, ends the connections that clients keep open', async () => {
    await start({ status: 204 });
    const socket = connect(Number(new URL(server.origin).port), '127.0.0.1');
    await once(socket, 'connect');
    const ended = once(socket, 'close');
    await server.close();
    await ended;
    await expect(fetch(server.origin)).rejects.toThrow('fetch failed');
  });
});

describe('with a certificate', () => {
  const startTls = async () => {
    const certificate = createLoopbackCertificate();
    server = await LoopbackServer.start(async () => ({ status: 204 }), certificate);
    return certificate.cert;
  };
  const answer = (ca: string) => once(get(server.origin, { ca, agent: false }), 'response');

  it('it speaks TLS, to clients that trust it', async () => {
    const ca = await startTls();
    expect(server.origin).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect(await answer(ca)).toMatchObject([{ statusCode: 204 }]);
  });

  it('clients that trust another are not served', async () => {
    await startTls();
    await expect(answer(createLoopbackCertificate().cert)).rejects.toMatchObject({
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    });
  });
});
