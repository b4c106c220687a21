import { createServer, type RequestListener, Server } from 'node:http';
import { withToken } from 'projected-token/undici';
import { buildConnector, Client, type Dispatcher } from 'undici';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Gate } from '../helpers/gate.js';
import { FixedTokenSource } from '../helpers/http-token-source.js';
import { RecordedDispatch } from '../helpers/recorded-dispatch.js';
import { serveForTest } from '../helpers/serve-for-test.js';

const ANSWERS = { accepted: 200, refused: 401 };

/** A server, and a client of one connection that carries the token to it. */
async function connected(listener: RequestListener | Server, options: Client.Options = {}) {
  const origin = await serveForTest(listener instanceof Server ? listener : createServer(listener));
  const source = new FixedTokenSource();
  const client = new Client(origin, options);
  onTestFinished(() => client.destroy());
  const dispatcher = withToken(client, source, { origins: [origin] });
  return { source, client, dispatcher };
}

function dispatch(
  dispatcher: Dispatcher,
  record: RecordedDispatch,
  options: Partial<Dispatcher.DispatchOptions> = {},
): RecordedDispatch {
  dispatcher.dispatch({ path: '/a', method: 'GET', ...options }, record);
  return record;
}

const ended = (record: RecordedDispatch) => expect.poll(() => record.told.at(-1)).toMatch(/^(end|error)$/);

/** Goes there and back, so that whatever was under way had its time. */
async function roundTrip(): Promise<void> {
  const { client } = await connected((_, response) => response.end());
  await client.request({ path: '/', method: 'GET' }).then(({ body }) => body.dump());
}

describe('An abort', () => {
  it('while the token is read is told at once and once, and nothing is sent', async () => {
    let requests = 0;
    const { source, dispatcher } = await connected((_, response) => response.end(String(requests++)));
    const token = new Gate<string>();
    source.getToken = () => token.opened;
    const record = dispatch(dispatcher, new RecordedDispatch());
    const reason = new Error('enough');
    record.controller.abort(reason);
    expect(record).toMatchObject({ told: ['start', 'error'], error: reason });
    expect(record.controller).toMatchObject({ aborted: true, reason });
    token.open('late');
    await roundTrip();
    expect({ told: record.told, requests }).toEqual({ told: ['start', 'error'], requests: 0 });
  });

  it('as soon as the request begins asks for no token', async () => {
    const { source, dispatcher } = await connected((_, response) => response.end());
    await expect(dispatcher.request({ path: '/', method: 'GET', signal: AbortSignal.abort('no') })).rejects.toBe('no');
    expect(source.reads).toBe(0);
  });

  it.each([1, 2])('while attempt %i waits for a connection is told at once and once', async (attempt) => {
    let connections = 0;
    const isWaiting = new Gate();
    const mayConnect = new Gate();
    const connectorOf = buildConnector({});
    const { dispatcher } = await connected((_, response) => response.writeHead(401, { connection: 'close' }).end(), {
      connect(options, callback) {
        if (++connections < attempt) return connectorOf(options, callback);
        isWaiting.open();
        void mayConnect.opened.then(() => connectorOf(options, callback));
      },
    });
    const record = dispatch(dispatcher, new RecordedDispatch());
    await isWaiting.opened;
    const reason = new Error('enough');
    record.controller.abort(reason);
    expect(record).toMatchObject({ told: ['start', 'error'], error: reason });
    mayConnect.open();
    await roundTrip();
    expect(record.told).toEqual(['start', 'error']);
  });

  it('without a reason fails with an error', async () => {
    const { source, dispatcher } = await connected((_, response) => response.end());
    source.getToken = () => new Promise(() => {});
    const record = dispatch(dispatcher, new RecordedDispatch());
    (record.controller.abort as () => void)();
    expect(record.error).toBeInstanceOf(Error);
  });

  it('after the end says nothing', async () => {
    const { dispatcher } = await connected((_, response) => response.end());
    const record = dispatch(
      dispatcher,
      new RecordedDispatch({ end: () => record.controller.abort(new Error('late')) }),
    );
    await ended(record);
    record.controller.abort(new Error('later'));
    expect(record.told).toEqual(['start', 'head 200', 'end']);
  });

  it.each(['GET', 'HEAD'])('in the middle of a refusal of %s that is handed on ends it there', async (method) => {
    const { source, dispatcher } = await connected((_, response) => response.writeHead(401).end('no'));
    source.replaceToken = async () => undefined;
    const reason = new Error('enough');
    const record = new RecordedDispatch({ head: () => record.controller.abort(reason) });
    await ended(dispatch(dispatcher, record, { method }));
    await roundTrip();
    expect(record).toMatchObject({ told: ['start', 'head 401', 'error'], error: reason });
  });

  it('after an upgrade says nothing', async () => {
    const server = createServer().on('upgrade', (_, socket) => {
      socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n');
    });
    const { dispatcher } = await connected(server);
    const record = dispatch(dispatcher, new RecordedDispatch(), { upgrade: 'chat' });
    await expect.poll(() => record.told).toEqual(['start', 'upgrade']);
    record.controller.abort(new Error('late'));
    expect(record.told).toEqual(['start', 'upgrade']);
  });
});

describe.each(Object.entries(ANSWERS))('A response that is %s', (_, status) => {
  it('may be paused from its head on', async () => {
    const { source, dispatcher } = await connected((_, response) => response.writeHead(status).end('body'));
    source.replaceToken = async () => undefined;
    const record = dispatch(dispatcher, new RecordedDispatch({ head: () => record.controller.pause() }));
    await expect.poll(() => record.told).toContain(`head ${status}`);
    await roundTrip();
    expect(record.told).toEqual(['start', `head ${status}`]);
    expect(record.controller.paused).toBe(true);
    record.controller.resume();
    await ended(record);
    expect(record).toMatchObject({ body: 'body', told: ['start', `head ${status}`, 'data', 'end'] });
  });

  it('may be paused before there is a token', async () => {
    const { source, dispatcher } = await connected((_, response) => response.writeHead(status).end('body'));
    source.replaceToken = async () => undefined;
    const record = new RecordedDispatch();
    dispatch(dispatcher, record).controller.pause();
    await expect.poll(() => record.told).toContain(`head ${status}`);
    await roundTrip();
    expect(record.told).toEqual(['start', `head ${status}`]);
    record.controller.resume();
    await ended(record);
    expect(record.body).toBe('body');
  });

  it.each([
    ['GET', 'head'],
    ['GET', 'end'],
    ['HEAD', 'head'],
    ['HEAD', 'end'],
  ])('of %s fails with what the handler throws at its %s, and leaves the client usable', async (method, event) => {
    const { source, dispatcher } = await connected((_, response) => response.writeHead(status).end('body'));
    source.replaceToken = async () => undefined;
    const error = new Error('of the handler');
    const record = new RecordedDispatch({
      [event]: () => {
        throw error;
      },
    });
    dispatch(dispatcher, record, { method: method as 'GET' });
    await expect.poll(() => record.error).toBe(error);
    expect(record.told.filter((told) => told === 'error')).toHaveLength(1);
    const next = await dispatcher.request({ path: '/', method: 'GET' });
    expect(await next.body.text()).toBe('body');
  });
});

describe('A refusal', () => {
  it('does not come through while it is decided on, even if the caller resumes', async () => {
    const { source, dispatcher } = await connected((_, response) => response.writeHead(401).end('no'));
    const asked = new Gate();
    const decided = new Gate<undefined>();
    source.replaceToken = () => {
      asked.open();
      return decided.opened;
    };
    const record = dispatch(dispatcher, new RecordedDispatch());
    await asked.opened;
    record.controller.resume();
    await roundTrip();
    expect(record.told).toEqual(['start']);
    decided.open(undefined);
    await ended(record);
    expect(record).toMatchObject({ told: ['start', 'head 401', 'data', 'end'], body: 'no' });
  });

  it.each([
    ['is sent again', async () => 'another', ['start', 'head 200', 'end']],
    ['is handed on', async () => undefined, ['start', 'head 401', 'end']],
  ])('of HEAD, which ends before it is decided on, %s', async (_, replaceToken, told) => {
    const { source, dispatcher } = await connected(({ headers }, response) =>
      response.writeHead(headers.authorization === 'Bearer another' ? 200 : 401, { 'content-length': 7 }).end(),
    );
    source.replaceToken = replaceToken;
    const record = dispatch(dispatcher, new RecordedDispatch(), { method: 'HEAD' });
    await ended(record);
    expect(record.told).toEqual(told);
  });

  it.each([
    ['is sent again', 'another', ['start', 'head 200', 'data', 'end']],
    ['is handed on as far as it came', undefined, ['start', 'head 401', 'data', 'error']],
  ])('whose connection breaks while it is decided on %s', async (_, replacement, told) => {
    const broken = new Gate();
    const { source, client, dispatcher } = await connected((message, response) => {
      if (message.headers.authorization === 'Bearer another') response.end('body');
      else response.writeHead(401, { 'content-length': 1000 }).write('part', () => asked.opened.then(breakOff));
      const breakOff = () => message.socket.resetAndDestroy();
    });
    const asked = new Gate();
    client.once('disconnect', () => broken.open());
    source.replaceToken = async () => {
      asked.open();
      await broken.opened;
      return replacement;
    };
    const record = dispatch(dispatcher, new RecordedDispatch());
    await ended(record);
    expect(record.told).toEqual(told);
  });

  it.each([
    ['breaks off', 10],
    ['is too long to be read to its end', 100_000],
  ])('that %s is followed by the second attempt', async (_, length) => {
    const breaksOff = length < 100;
    const { source, dispatcher } = await connected(({ headers, socket }, response) => {
      if (headers.authorization !== source.value(1)) return response.end('body');
      response.writeHead(401, { 'content-length': 1_000_000 });
      return response.write('x'.repeat(length), () => breaksOff && socket.destroy());
    });
    const record = dispatch(dispatcher, new RecordedDispatch());
    await ended(record);
    expect(record).toMatchObject({ told: ['start', 'head 200', 'data', 'end'], body: 'body' });
  });

  it('may be paused and resumed while it is thrown away', async () => {
    const isHalfway = new Gate();
    const mayEnd = new Gate();
    const { source, dispatcher } = await connected(({ headers }, response) => {
      if (headers.authorization !== source.value(1)) return response.end('body');
      response.writeHead(401, { 'content-length': 8 });
      return response.write('half', () => mayEnd.opened.then(() => response.end('rest')));
    });
    const { replaceToken } = source;
    source.replaceToken = (refused) => {
      isHalfway.open();
      return replaceToken.call(source, refused);
    };
    const record = dispatch(dispatcher, new RecordedDispatch());
    await isHalfway.opened;
    await roundTrip();
    record.controller.pause();
    record.controller.resume();
    mayEnd.open();
    await ended(record);
    expect(record).toMatchObject({ told: ['start', 'head 200', 'data', 'end'], body: 'body' });
  });

  it('leaves its connection to the second attempt', async () => {
    const { source, client, dispatcher } = await connected(({ headers }, response) =>
      response.writeHead(headers.authorization === source.value(1) ? 401 : 200).end('x'.repeat(10_000)),
    );
    let connections = 0;
    client.on('connect', () => connections++);
    const record = dispatch(dispatcher, new RecordedDispatch());
    await ended(record);
    expect(record.told).toEqual(['start', 'head 200', 'data', 'end']);
    expect(connections).toBe(1);
  });
});
